import { useEffect, useState, type ReactNode } from "react";
import { text } from "../text";
import { copyText } from "./clipboard";
import { IconButton } from "./IconButton";

/** How long the button shows that it has copied. */
const SHOWN_MS = 1500;

/** One line of code that people copy. */
export function CopyLine({ line, aside }: { line: string; aside?: ReactNode }) {
  const { copied, copy } = useCopy();
  return (
    <div className="well flex h-8 items-center gap-2 pr-1 pl-3">
      <code className="mono min-w-0 flex-1 truncate" title={line}>
        {line}
      </code>
      {aside && <span className="text-small text-3">{aside}</span>}
      <IconButton
        small
        icon={copied ? "check" : "copy"}
        label={copied ? text.common.copied : text.common.copy}
        onClick={() => copy(line)}
      />
    </div>
  );
}

/** Copies, and says for a moment that it did. */
export function useCopy() {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return {
    copied,
    copy: (value: string) => void copyText(value).then(setCopied),
  };
}
