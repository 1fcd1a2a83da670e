import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { FormSheet } from "../../components/FormSheet";
import { PasswordRow } from "../../components/PasswordRow";
import { text } from "../../text";

/** Unlocks the keychain: by its own prompt, or with its password. */
export function UnlockSheet() {
  const { show } = useApp();
  const unlock = useChange("unlock_keychain");
  const [password, setPassword] = useState("");
  const words = text.secrets.unlock;
  return (
    <FormSheet
      title={words.title}
      width={520}
      act={words.act}
      pending={unlock.isPending}
      error={unlock.error}
      onAct={() => unlock.mutate({ password: password || null }, { onSuccess: () => show(null) })}
      onClose={() => show(null)}
    >
      <p className="text-2">{words.about}</p>
      <PasswordRow
        label={words.password}
        hint={words.passwordHint}
        value={password}
        onChange={setPassword}
      />
    </FormSheet>
  );
}
