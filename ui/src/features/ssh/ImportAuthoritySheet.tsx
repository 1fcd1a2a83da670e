import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { Choice, FormGroup, FormRow } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { PasswordRow } from "../../components/PasswordRow";
import { TextArea } from "../../components/TextArea";
import type { AuthorityKind } from "../../generated/types";
import { text } from "../../text";

/** Brings an authority here that exists elsewhere: as a private key, or as one that an agent holds. */
export function ImportAuthoritySheet({ kind: initial }: { kind: AuthorityKind }) {
  const { show } = useApp();
  const bring = useChange("import_authority");
  const [kind, setKind] = useState(initial);
  const [fromAgent, setFromAgent] = useState(false);
  const [key, setKey] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [fingerprint, setFingerprint] = useState("");
  const words = text.ssh.import;
  const given = fromAgent ? fingerprint.trim() : key.trim();
  return (
    <FormSheet
      title={words.title}
      act={words.act}
      waits={given ? null : words.waits}
      pending={bring.isPending}
      error={bring.error}
      onAct={() =>
        bring.mutate(
          fromAgent
            ? { kind, privateKey: null, passphrase: null, agentKey: given }
            : { kind, privateKey: key, passphrase: passphrase || null, agentKey: null },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <p className="text-2">{words.about}</p>
      <FormGroup label={words.kind} role="radiogroup">
        {(["user", "host"] as const).map((one) => (
          <Choice
            key={one}
            type="radio"
            name="kind"
            checked={kind === one}
            onChange={() => setKind(one)}
          >
            {text.ssh.kind[one]}
          </Choice>
        ))}
      </FormGroup>
      <FormGroup label={words.from} role="radiogroup">
        <Choice type="radio" name="from" checked={!fromAgent} onChange={() => setFromAgent(false)}>
          {words.fromText}
        </Choice>
        <Choice type="radio" name="from" checked={fromAgent} onChange={() => setFromAgent(true)}>
          {words.fromAgent}
        </Choice>
      </FormGroup>
      {fromAgent ? (
        <FormRow label={words.fingerprint} hint={words.fingerprintHint}>
          {(field) => (
            <input
              {...field}
              className="field mono"
              placeholder="SHA256:…"
              spellCheck={false}
              value={fingerprint}
              onChange={(event) => setFingerprint(event.target.value)}
            />
          )}
        </FormRow>
      ) : (
        <>
          <FormRow label={words.key} hint={words.keyHint}>
            {(field) => (
              <TextArea
                {...field}
                focus
                rows={5}
                value={key}
                onText={setKey}
                placeholder="-----BEGIN OPENSSH PRIVATE KEY-----"
              />
            )}
          </FormRow>
          <PasswordRow
            label={words.passphrase}
            hint={words.passphraseHint}
            value={passphrase}
            onChange={setPassphrase}
          />
        </>
      )}
    </FormSheet>
  );
}
