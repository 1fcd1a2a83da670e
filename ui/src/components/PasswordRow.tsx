import type { ReactNode } from "react";
import { FormRow } from "./FormRow";

/** A passphrase that is typed, on the grid of a form. It is never shown. */
export function PasswordRow({
  label,
  hint,
  value,
  invalid = false,
  fresh = false,
  onChange,
}: {
  label: string;
  hint?: ReactNode;
  value: string;
  invalid?: boolean;
  /** It is a new one, which a password manager may propose. */
  fresh?: boolean;
  onChange: (value: string) => void;
}) {
  return (
    <FormRow label={label} hint={hint}>
      {(field) => (
        <input
          {...field}
          type="password"
          autoComplete={fresh ? "new-password" : "off"}
          className="field"
          aria-invalid={invalid || undefined}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FormRow>
  );
}
