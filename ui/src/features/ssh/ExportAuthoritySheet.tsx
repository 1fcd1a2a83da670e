import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { CopyBlock } from "../../components/CopyBlock";
import { Choice, FormGroup } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { NewPassphrase } from "../../components/NewPassphrase";
import type { AuthorityInfo } from "../../generated/types";
import { text } from "../../text";
import { authorityName } from "./AuthoritySection";
import { ExportedSheet } from "./ExportedSheet";

/** Gives the key of an authority out: the public half, and the private one where it is asked for and encrypted. */
export function ExportAuthoritySheet({ authority }: { authority: AuthorityInfo }) {
  const { show } = useApp();
  const give = useChange("export_authority");
  const [withPrivate, setWithPrivate] = useState(false);
  const [passphrase, setPassphrase] = useState<string | null>(null);
  const words = text.ssh.export;
  const name = authorityName(authority);
  const { kind, generation } = authority;
  if (give.data) return <ExportedSheet name={name} exported={give.data} />;
  return (
    <FormSheet
      title={words.title(name)}
      act={words.act}
      waits={withPrivate && !passphrase ? words.differ : null}
      pending={give.isPending}
      error={give.error}
      onAct={() => give.mutate({ kind, generation, passphrase: withPrivate ? passphrase : null })}
      onClose={() => show(null)}
    >
      <CopyBlock label={words.publicKey} value={authority.publicKey} />
      {authority.keptIn === "agent" ? (
        <p className="text-2">{words.fromAgent}</p>
      ) : (
        <FormGroup label={text.ssh.authority.kept} hint={words.privateHint}>
          <Choice type="checkbox" checked={withPrivate} onChange={setWithPrivate}>
            {words.private}
          </Choice>
        </FormGroup>
      )}
      {withPrivate && <NewPassphrase onChange={setPassphrase} />}
    </FormSheet>
  );
}
