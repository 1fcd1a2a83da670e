import type { ReactNode } from "react";
import { useDesktop } from "../../backend/context";
import { Icon, type IconName } from "../../components/Icon";
import { takeFocus } from "../../components/takeFocus";
import { text } from "../../text";

/** The one field that takes a folder or an image, with the system's folder chooser beside it. */
export function SourceField({
  value,
  onChange,
  onFolder,
  icon = "search",
  invalid = false,
  focus = false,
  children,
}: {
  value: string;
  onChange: (value: string) => void;
  onFolder: (folder: string) => void;
  icon?: IconName;
  invalid?: boolean;
  /** Takes the focus when it appears. */
  focus?: boolean;
  children?: ReactNode;
}) {
  const desktop = useDesktop();
  return (
    <label
      className="field flex h-10! items-center gap-2.5 pr-2! pl-3.5! text-2"
      aria-invalid={invalid || undefined}
    >
      <Icon name={icon} />
      <input
        type="text"
        className="mono text-1"
        value={value}
        spellCheck={false}
        autoComplete="off"
        aria-label={text.create.source}
        placeholder={text.create.placeholder}
        onChange={(event) => onChange(event.target.value)}
        ref={focus ? takeFocus : null}
      />
      {children}
      {desktop && (
        <button
          type="button"
          className="btn btn-small"
          onClick={() => void desktop.pickFolder().then((folder) => folder && onFolder(folder))}
        >
          <Icon name="folder" size={15} />
          {text.create.folder}
        </button>
      )}
    </label>
  );
}
