import { useRef, useState, type ComponentProps } from "react";
import { text } from "../text";
import { Icon } from "./Icon";
import { takeFocus } from "./takeFocus";

/** In bytes. */
const LARGEST = 1024 * 1024;

/** A text of several lines that is pasted, or read from a file that the person chooses. */
export function TextArea({
  value,
  onText,
  rows = 3,
  focus = false,
  ...rest
}: {
  value: string;
  onText: (value: string) => void;
  rows?: number;
  /** Takes the focus when it appears. */
  focus?: boolean;
} & Omit<ComponentProps<"textarea">, "value" | "onChange" | "className">) {
  const chooser = useRef<HTMLInputElement>(null);
  const [refusal, setRefusal] = useState<string | null>(null);
  const read = async (file: File) => {
    const words = await textOf(file);
    setRefusal(words === null ? text.common.noText(file.name) : null);
    if (words !== null) onText(words);
  };
  return (
    <div className="flex flex-col items-start gap-1.5">
      <textarea
        className="field mono h-auto! w-full resize-y py-1.5! [overflow-wrap:anywhere]"
        rows={rows}
        spellCheck={false}
        autoComplete="off"
        value={value}
        onChange={(event) => onText(event.target.value)}
        ref={focus ? takeFocus : null}
        {...rest}
      />
      <input
        ref={chooser}
        type="file"
        className="hidden"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          const [file] = event.target.files ?? [];
          if (file) void read(file);
          event.target.value = "";
        }}
      />
      <button type="button" className="btn btn-small" onClick={() => chooser.current?.click()}>
        <Icon name="file" size={15} />
        {text.common.fromFile}
      </button>
      {refusal && (
        <span role="alert" className="text-small text-bad-text">
          {refusal}
        </span>
      )}
    </div>
  );
}

/** The text of a file; null where it cannot be read, is larger than any key, or is no text. */
async function textOf(file: File): Promise<string | null> {
  if (file.size > LARGEST) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    return null;
  }
}
