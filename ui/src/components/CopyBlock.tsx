import type { ReactNode } from "react";
import { text } from "../text";
import { useCopy } from "./CopyLine";
import { Icon } from "./Icon";

/** A named text that people take elsewhere, whole and wrapped. */
export function CopyBlock({
  label,
  hint,
  value,
}: {
  label: string;
  hint?: ReactNode;
  value: string;
}) {
  const { copied, copy } = useCopy();
  return (
    <section aria-label={label}>
      <div className="mb-1.5 flex items-end gap-2">
        <div className="min-w-0 flex-1">
          <h3 className="font-medium">{label}</h3>
          {hint && <p className="text-small text-2">{hint}</p>}
        </div>
        <button
          type="button"
          className="btn btn-small"
          aria-label={text.common.copyWhat(label)}
          onClick={() => copy(value)}
        >
          <Icon name={copied ? "check" : "copy"} />
          {copied ? text.common.copied : text.common.copy}
        </button>
      </div>
      <pre
        className="well mono max-h-32 overflow-y-auto px-3 py-1.5 [overflow-wrap:anywhere] whitespace-pre-wrap"
        tabIndex={0}
        aria-label={label}
      >
        {value}
      </pre>
    </section>
  );
}
