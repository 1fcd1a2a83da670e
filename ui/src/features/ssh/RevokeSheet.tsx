import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { Choice, FormGroup, FormRow } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { Sheet } from "../../components/Sheet";
import { StatusGlyph } from "../../components/StatusGlyph";
import type { AuthorityKind, CertificateRecord, Revoke, Revoked } from "../../generated/types";
import { text } from "../../text";

type Means = keyof typeof text.ssh.revocation.means;

const NOTHING: Revoke = {
  kind: null,
  generation: null,
  serial: null,
  serials: null,
  keyId: null,
  publicKey: null,
  fingerprint: null,
  reason: "",
};

/** Revokes a certificate, or whatever the person names. Says that it is final before it is done. */
export function RevokeSheet({ certificate }: { certificate: CertificateRecord | null }) {
  const { show } = useApp();
  const revoke = useChange("revoke_certificate");
  const [what, setWhat] = useState<Revoke | null>(null);
  const [reason, setReason] = useState("");
  const words = text.ssh.revocation;
  if (revoke.data) return <Done revoked={revoke.data} />;
  const request = what ?? (certificate ? ofCertificate(certificate) : null);
  return (
    <FormSheet
      title={words.title}
      width={600}
      act={words.act}
      danger
      waits={request ? null : words.waits}
      pending={revoke.isPending}
      error={revoke.error}
      onAct={() => request && revoke.mutate({ ...request, reason: reason.trim() })}
      onClose={() => show(null)}
    >
      {certificate ? (
        <OfCertificate certificate={certificate} chosen={request ?? NOTHING} onChoose={setWhat} />
      ) : (
        <Named onChange={setWhat} />
      )}
      <FormRow label={words.reason}>
        {(field) => (
          <input
            {...field}
            className="field"
            autoComplete="off"
            value={reason}
            onChange={(event) => setReason(event.target.value)}
          />
        )}
      </FormRow>
      <div className="flex flex-col gap-1.5 border-t border-line pt-3">
        <p className="flex gap-2">
          <StatusGlyph shape="failed" className="mt-0.5" />
          {words.effect}
        </p>
        <p className="flex gap-2">
          <StatusGlyph shape="attention" className="mt-0.5" />
          {words.final}
        </p>
      </div>
    </FormSheet>
  );
}

function Done({ revoked }: { revoked: Revoked }) {
  const { show } = useApp();
  const words = text.ssh.revocation;
  return (
    <Sheet
      title={revoked.changed ? words.done : words.already}
      width={520}
      top={120}
      onClose={() => show(null)}
      footer={
        <>
          <span className="flex-1" />
          <button type="button" className="btn" onClick={() => show(null)}>
            {text.common.close}
          </button>
        </>
      }
    >
      <p className="flex gap-2 px-5 pb-5" role="status">
        <StatusGlyph shape="done" className="mt-0.5" />
        <span className="min-w-0">
          {revoked.note} {words.version(revoked.revocation.version)}.
        </span>
      </p>
    </Sheet>
  );
}

/** The ways in which one certificate can be meant. */
function OfCertificate({
  certificate,
  chosen,
  onChoose,
}: {
  certificate: CertificateRecord;
  chosen: Revoke;
  onChoose: (what: Revoke) => void;
}) {
  const words = text.ssh.revocation;
  const { kind, generation, keyId, subject, serial } = certificate;
  const of = { ...NOTHING, kind, generation: generation || null };
  const choices: [string, Revoke][] = [
    [words.certificateOnly(serial), ofCertificate(certificate)],
    [words.allOfId(keyId), { ...of, keyId }],
    [words.wholeKey(subject), { ...NOTHING, fingerprint: subject }],
  ];
  return (
    <FormGroup label={words.what} role="radiogroup">
      {choices.map(([label, what]) => (
        <div key={label} className="basis-full [overflow-wrap:anywhere]">
          <Choice
            type="radio"
            name="what"
            checked={JSON.stringify(what) === JSON.stringify(chosen)}
            onChange={() => onChoose(what)}
          >
            {label}
          </Choice>
        </div>
      ))}
    </FormGroup>
  );
}

function ofCertificate({ kind, generation, serial }: CertificateRecord): Revoke {
  return { ...NOTHING, kind, generation: generation || null, serial };
}

/** What the person names: one means, and its value. */
function Named({ onChange }: { onChange: (what: Revoke | null) => void }) {
  const [means, setMeans] = useState<Means>("serial");
  const [kind, setKind] = useState<AuthorityKind>("user");
  const [value, setValue] = useState({ first: "", second: "", generation: "" });
  const words = text.ssh.revocation;
  const byAuthority = ["serial", "serials", "keyId"].includes(means);
  const tell = (next: Partial<typeof value>, by = means, of = kind) => {
    const all = { ...value, ...next };
    setValue(all);
    setMeans(by);
    setKind(of);
    onChange(named(by, of, all));
  };
  const field = (name: keyof typeof value, label: string, hint?: string) => (
    <FormRow label={label} hint={hint}>
      {(row) => (
        <input
          {...row}
          className="field mono"
          spellCheck={false}
          autoComplete="off"
          value={value[name]}
          onChange={(event) => tell({ [name]: event.target.value })}
        />
      )}
    </FormRow>
  );
  return (
    <>
      <FormGroup label={words.what} role="radiogroup">
        {(Object.keys(words.means) as Means[]).map((one) => (
          <Choice
            key={one}
            type="radio"
            name="means"
            checked={means === one}
            onChange={() => tell({ first: "", second: "" }, one)}
          >
            {words.means[one]}
          </Choice>
        ))}
      </FormGroup>
      {byAuthority && (
        <FormGroup label={words.of} role="radiogroup">
          {(["user", "host"] as const).map((one) => (
            <Choice
              key={one}
              type="radio"
              name="kind"
              checked={kind === one}
              onChange={() => tell({}, means, one)}
            >
              {text.ssh.authority.one(one)}
            </Choice>
          ))}
        </FormGroup>
      )}
      {field("first", means === "serials" ? words.from : words.value[means])}
      {means === "serials" && field("second", words.to)}
      {byAuthority && field("generation", words.generation, words.generationHint)}
    </>
  );
}

/** The request; null while something is missing or is no number. */
function named(
  means: Means,
  kind: AuthorityKind,
  value: { first: string; second: string; generation: string },
): Revoke | null {
  const first = value.first.trim();
  const generation = value.generation.trim() ? number(value.generation) : null;
  if (first === "" || (value.generation.trim() && generation === null)) return null;
  const of = { ...NOTHING, kind, generation };
  switch (means) {
    case "serial": {
      const serial = number(first);
      return serial === null ? null : { ...of, serial };
    }
    case "serials": {
      const [from, to] = [number(first), number(value.second)];
      return from === null || to === null || from > to ? null : { ...of, serials: [from, to] };
    }
    case "keyId":
      return { ...of, keyId: first };
    case "publicKey":
      return { ...NOTHING, publicKey: first };
    case "fingerprint":
      return { ...NOTHING, fingerprint: first };
  }
}

function number(words: string): number | null {
  const value = Number(words.trim());
  return Number.isSafeInteger(value) && value > 0 ? value : null;
}
