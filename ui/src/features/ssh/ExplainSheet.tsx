import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { FormRow } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { ProblemView } from "../../components/ProblemView";
import { StatusGlyph } from "../../components/StatusGlyph";
import { TextArea } from "../../components/TextArea";
import type { CertificateVerdict, VerifyCertificate } from "../../generated/types";
import { text } from "../../text";

/** Says whether a certificate would be accepted, rule by rule. */
export function ExplainSheet() {
  const { show } = useApp();
  const containers = useRead("list_containers", {}).data?.containers ?? [];
  const [certificate, setCertificate] = useState("");
  const [container, setContainer] = useState("");
  const [user, setUser] = useState("");
  const [asked, setAsked] = useState<VerifyCertificate | null>(null);
  const { data, problem } = useRead(
    "verify_certificate",
    asked ?? { certificate: "", container: null, user: null },
    { skip: asked === null, retry: false },
  );
  const words = text.ssh.explain;
  // An answer belongs to the question that stands there.
  const change = (act: () => void) => {
    act();
    setAsked(null);
  };
  return (
    <FormSheet
      title={words.title}
      width={688}
      act={words.act}
      waits={certificate.trim() ? null : words.waits}
      pending={false}
      error={null}
      onAct={() => setAsked({ certificate, container: container || null, user: user || null })}
      onClose={() => show(null)}
    >
      <FormRow label={words.certificate} hint={words.certificateHint}>
        {(field) => (
          <TextArea
            {...field}
            focus
            value={certificate}
            placeholder="ssh-ed25519-cert-v01@openssh.com AAAA…"
            onText={(value) => change(() => setCertificate(value))}
          />
        )}
      </FormRow>
      <FormRow label={words.container}>
        {(field) => (
          <select
            {...field}
            className="field"
            value={container}
            onChange={(event) => change(() => setContainer(event.target.value))}
          >
            <option value="">{words.anyContainer}</option>
            {containers.map(({ id, name }) => (
              <option key={id} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
      </FormRow>
      <FormRow label={words.user} hint={text.ssh.issue.userHint}>
        {(field) => (
          <input
            {...field}
            className="field"
            spellCheck={false}
            autoComplete="off"
            value={user}
            onChange={(event) => change(() => setUser(event.target.value))}
          />
        )}
      </FormRow>
      {problem && asked && <ProblemView problem={problem} />}
      {data && asked && !problem && <Verdict verdict={data} />}
    </FormSheet>
  );
}

function Verdict({ verdict }: { verdict: CertificateVerdict }) {
  const words = text.ssh.explain;
  return (
    <section className="selectable border-t border-line pt-4" role="status" data-testid="verdict">
      <p className="flex gap-2 font-semibold">
        <StatusGlyph shape={verdict.accepted ? "done" : "failed"} className="mt-0.5" />
        {verdict.verdict}
      </p>
      <h3 className="mt-3 mb-1 text-2">{words.rules}</h3>
      <ul>
        {verdict.checks.map((check) => (
          <li key={check.rule} className="flex gap-2 py-1" data-rule={check.rule}>
            <StatusGlyph shape={check.ok ? "done" : "failed"} className="mt-0.5" />
            <span className="w-24 flex-none text-2">{words.rule[check.rule] ?? check.rule}</span>
            <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">{check.words}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
