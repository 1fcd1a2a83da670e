import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange, useRead } from "../../backend/cache";
import { Choice, FormGroup } from "../../components/FormRow";
import { EffectList } from "../../components/EffectList";
import { FormSheet } from "../../components/FormSheet";
import { NewPassphrase } from "../../components/NewPassphrase";
import { PasswordRow } from "../../components/PasswordRow";
import { Sheet } from "../../components/Sheet";
import { StatusGlyph } from "../../components/StatusGlyph";
import type { VaultWay } from "../../generated/types";
import { text } from "../../text";

/** Adds a way into the vault, perhaps in the place of another; or takes one away. */
export function WaySheet({ way, adds = false }: { way: VaultWay; adds?: boolean }) {
  const { show } = useApp();
  const change = useChange("change_vault");
  const vault = useRead("show_vault", {}).data;
  const [instead, setInstead] = useState<VaultWay | null>(null);
  const [passphrase, setPassphrase] = useState<string | null>(null);
  const [openWith, setOpenWith] = useState("");
  const [recoveryKey, setRecoveryKey] = useState("");
  const [older, setOlder] = useState(false);
  const words = text.secrets.way;
  const names = text.secrets.vault.wayNames;
  const closed = vault?.exists === true && vault.openedBy === null;
  const needsNew = adds && way === "passphrase";
  if (change.data?.leftBehind) return <LeftBehind words={change.data.leftBehind} />;
  const gone = adds ? instead : way;
  return (
    <FormSheet
      title={adds ? words.addTitle(names[way]) : words.removeTitle(names[way])}
      width={560}
      act={adds ? words.add : words.remove}
      danger={!adds}
      waits={needsNew && passphrase === null ? words.waitsPassphrase : null}
      pending={change.isPending}
      error={change.error}
      onAct={() =>
        change.mutate(
          {
            add: adds ? way : null,
            remove: gone,
            passphrase: needsNew ? passphrase : null,
            openWith: openWith || null,
            recoveryKey: recoveryKey || null,
            acceptOlder: older,
          },
          { onSuccess: ({ leftBehind }) => leftBehind === null && show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <p className="text-2">{text.secrets.vault.wayWords[way]}</p>
      {needsNew && <NewPassphrase onChange={setPassphrase} />}
      {adds && vault && vault.ways.length > 0 && (
        <FormGroup label={words.place} role="radiogroup">
          <Choice
            type="radio"
            name="instead"
            checked={instead === null}
            onChange={() => setInstead(null)}
          >
            {words.beside}
          </Choice>
          {vault.ways.map((one) => (
            <Choice
              key={one.way}
              type="radio"
              name="instead"
              checked={instead === one.way}
              onChange={() => setInstead(one.way)}
            >
              {names[one.way]}
            </Choice>
          ))}
        </FormGroup>
      )}
      {closed && (
        <>
          <PasswordRow label={words.openPassphrase} value={openWith} onChange={setOpenWith} />
          <PasswordRow label={words.openRecovery} value={recoveryKey} onChange={setRecoveryKey} />
          <FormGroup label="">
            <Choice type="checkbox" checked={older} onChange={setOlder}>
              {words.older}
            </Choice>
          </FormGroup>
        </>
      )}
      {gone && (
        <EffectList title={text.remove.goes} shape="failed">
          {[words.gone(names[gone])]}
        </EffectList>
      )}
      <EffectList title={text.remove.stays} shape="done">
        {[words.kept]}
      </EffectList>
    </FormSheet>
  );
}

function LeftBehind({ words }: { words: string }) {
  const { show } = useApp();
  return (
    <Sheet title={text.secrets.way.done} width={520} top={120} onClose={() => show(null)}>
      <p className="flex gap-2 px-5 pb-5" role="status">
        <StatusGlyph shape="attention" className="mt-0.5" />
        <span className="min-w-0">
          {text.secrets.way.leftBehind}: {words}
        </span>
      </p>
    </Sheet>
  );
}
