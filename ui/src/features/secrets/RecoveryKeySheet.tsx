import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange, useRead } from "../../backend/cache";
import { CopyBlock } from "../../components/CopyBlock";
import { FormSheet } from "../../components/FormSheet";
import { PasswordRow } from "../../components/PasswordRow";
import { Sheet } from "../../components/Sheet";
import { StatusGlyph } from "../../components/StatusGlyph";
import { text } from "../../text";

/** Makes a recovery key and shows it once. */
export function RecoveryKeySheet() {
  const { show } = useApp();
  const make = useChange("make_recovery_key");
  const vault = useRead("show_vault", {}).data;
  const [openWith, setOpenWith] = useState("");
  const words = text.secrets.recovery;
  if (make.data) {
    return (
      <Sheet
        title={words.title}
        width={600}
        onClose={() => show(null)}
        footer={
          <>
            <span className="flex-1 text-small text-3">{words.lost}</span>
            <button type="button" className="btn" onClick={() => show(null)}>
              {text.common.close}
            </button>
          </>
        }
      >
        <div className="px-5 pb-5" data-testid="recovery-key">
          <CopyBlock label={words.title} hint={words.shown} value={make.data.recoveryKey} />
        </div>
      </Sheet>
    );
  }
  const replaces = vault?.ways.some((one) => one.way === "recovery-key");
  return (
    <FormSheet
      title={words.title}
      act={words.act}
      pending={make.isPending}
      error={make.error}
      onAct={() => make.mutate({ openWith: openWith || null })}
      onClose={() => show(null)}
    >
      <p className="text-2">{words.about}</p>
      {replaces && (
        <p className="flex gap-2">
          <StatusGlyph shape="attention" className="mt-0.5" />
          {words.replaces}
        </p>
      )}
      {vault?.openedBy === null && (
        <PasswordRow
          label={words.passphrase}
          hint={words.passphraseHint}
          value={openWith}
          onChange={setOpenWith}
        />
      )}
    </FormSheet>
  );
}
