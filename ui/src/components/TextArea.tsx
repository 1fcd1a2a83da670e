import { useRef, type ComponentProps } from "react";
import { text } from "../text";
import { Icon } from "./Icon";
import { takeFocus } from "./takeFocus";

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
          void file?.text().then(onText);
          event.target.value = "";
        }}
      />
      <button type="button" className="btn btn-small" onClick={() => chooser.current?.click()}>
        <Icon name="file" size={15} />
        {text.common.fromFile}
      </button>
    </div>
  );
}
