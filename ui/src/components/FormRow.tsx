import { useId, type ReactNode } from "react";

/** A label, its field, and what to know about it, on the grid of a form. */
export function FormRow({
  label,
  hint,
  children,
}: {
  label: string;
  hint?: ReactNode;
  /** The field; it takes the id, and names what describes it. */
  children: (field: { id: string; "aria-describedby"?: string }) => ReactNode;
}) {
  const id = useId();
  const about = `${id}-about`;
  return (
    <div className="grid grid-cols-[112px_1fr] gap-x-3 max-row:grid-cols-1 max-row:gap-y-1">
      <label htmlFor={id} className="pt-1 text-2">
        {label}
      </label>
      <div className="flex min-w-0 flex-col gap-1">
        {children(hint ? { id, "aria-describedby": about } : { id })}
        {hint && (
          <span id={about} className="text-small text-3">
            {hint}
          </span>
        )}
      </div>
    </div>
  );
}

/** Several choices under one label. */
export function FormGroup({
  label,
  hint,
  role = "group",
  children,
}: {
  label: string;
  hint?: ReactNode;
  role?: "group" | "radiogroup";
  children: ReactNode;
}) {
  const id = useId();
  return (
    <div className="grid grid-cols-[112px_1fr] gap-x-3 max-row:grid-cols-1 max-row:gap-y-1">
      <span id={id} className="pt-0.5 text-2">
        {label}
      </span>
      <div className="flex min-w-0 flex-col gap-1">
        <div role={role} aria-labelledby={id} className="flex flex-wrap gap-x-5 gap-y-1.5">
          {children}
        </div>
        {hint && <span className="text-small text-3">{hint}</span>}
      </div>
    </div>
  );
}

/** One choice with its box or button before it. */
export function Choice({
  type,
  name,
  checked,
  onChange,
  children,
}: {
  type: "checkbox" | "radio";
  /** Radio buttons of one name exclude each other. */
  name?: string;
  checked: boolean;
  onChange: (checked: boolean) => void;
  children: ReactNode;
}) {
  return (
    <label className="flex items-start gap-2">
      <input
        type={type}
        {...(name ? { name } : {})}
        className="check"
        checked={checked}
        onChange={(event) => onChange(event.target.checked)}
      />
      <span className="min-w-0">{children}</span>
    </label>
  );
}
