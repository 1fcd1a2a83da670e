import { text } from "../text";
import { Icon } from "./Icon";
import { IconButton } from "./IconButton";

/** A small field that narrows the list under it. Esc empties it. */
export function FilterField({
  value,
  onChange,
  label,
  hint,
}: {
  value: string;
  onChange: (value: string) => void;
  label: string;
  hint: string;
}) {
  return (
    <span className="field flex h-6! min-w-0 flex-1 items-center gap-1.5 pr-0.5! pl-2!">
      <Icon name="filter" size={14} className="text-3" />
      <input
        type="text"
        className="w-full text-small"
        value={value}
        spellCheck={false}
        aria-label={label}
        placeholder={hint}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || !value) return;
          event.stopPropagation();
          onChange("");
        }}
      />
      {value && (
        <IconButton
          icon="close"
          iconSize={12}
          className="size-5!"
          label={text.common.clear}
          onClick={() => onChange("")}
        />
      )}
    </span>
  );
}
