import { useState } from "react";
import { text } from "../text";
import { PasswordRow } from "./PasswordRow";

/** A passphrase that is typed twice; told only when both are the same and not empty. */
export function NewPassphrase({ onChange }: { onChange: (passphrase: string | null) => void }) {
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const tell = (one: string, other: string) => {
    setFirst(one);
    setSecond(other);
    onChange(one !== "" && one === other ? one : null);
  };
  return (
    <>
      <PasswordRow
        fresh
        label={text.common.passphrase}
        value={first}
        onChange={(value) => tell(value, second)}
      />
      <PasswordRow
        fresh
        label={text.common.again}
        value={second}
        invalid={!first.startsWith(second)}
        onChange={(value) => tell(first, value)}
      />
    </>
  );
}
