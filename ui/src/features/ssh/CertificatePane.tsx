import { useApp } from "../../app/app-state";
import { Fact, Facts } from "../../components/Facts";
import { Pane } from "../../components/Pane";
import { StatusGlyph, type Shape } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { ValidityBar } from "../../components/ValidityBar";
import { exact, span } from "../../format";
import type { CertificateRecord, CertificateState } from "../../generated/types";
import { text } from "../../text";
import { nameOf } from "./CertificateSection";

const SHAPE: Record<CertificateState, Shape> = {
  valid: "done",
  notYetValid: "attention",
  expired: "stopped",
  revoked: "failed",
  untrusted: "attention",
};

/** The record of one certificate. */
export function CertificatePane({
  certificate,
  onClose,
}: {
  certificate: CertificateRecord;
  onClose: () => void;
}) {
  const { show } = useApp();
  const now = useNow();
  const words = text.ssh.certificate;
  const name = nameOf(certificate);
  const left = Date.parse(certificate.validBefore) - now;
  const { state, kind } = certificate;
  return (
    <Pane
      label={words.label(name)}
      title={name}
      glyph={<StatusGlyph shape={SHAPE[state]} />}
      aside={<span className="text-small text-2">{text.ssh.state[state]}</span>}
      onClose={onClose}
      footer={
        state !== "revoked" && (
          <>
            <span className="flex-1" />
            <button
              type="button"
              className="btn btn-danger"
              onClick={() => show({ kind: "ssh", sheet: { act: "revoke", certificate } })}
            >
              {words.revoke}
            </button>
          </>
        )
      }
    >
      <div>
        <ValidityBar certificate={certificate} now={now} revoked={state === "revoked"} />
        <p className="mt-2">
          {words.words[state]} {state === "valid" && left > 0 && `${words.validFor(span(left))}.`}
        </p>
      </div>
      <Facts>
        <Fact name={words.serial}>{certificate.serial}</Fact>
        <Fact name={words.keyId}>
          <code className="mono leading-5">{certificate.keyId}</code>
        </Fact>
        <Fact name={words.authority}>
          {certificate.generation > 0 && (
            <span className="block">{text.ssh.authority.name(kind, certificate.generation)}</span>
          )}
          <code className="mono leading-5 text-2">{certificate.authority}</code>
        </Fact>
        <Fact name={words.subject}>
          <code className="mono leading-5">{certificate.subject}</code>
        </Fact>
        <Fact name={kind === "user" ? words.principals : words.hostPrincipals}>
          {certificate.principals.map((one) => (
            <code key={one} className="mono block leading-5">
              {one}
            </code>
          ))}
        </Fact>
        {kind === "user" && (
          <Fact name={words.extensions}>
            {certificate.extensions.length === 0 && words.nothing}
            {certificate.extensions.map((one) => (
              <code key={one} className="mono block leading-5">
                {one}
              </code>
            ))}
          </Fact>
        )}
        {certificate.criticalOptions.length > 0 && (
          <Fact name={words.bound}>
            {certificate.criticalOptions.map((one) => (
              <code key={one} className="mono block leading-5">
                {one}
              </code>
            ))}
          </Fact>
        )}
        <Fact name={words.from}>{exact(certificate.validAfter)}</Fact>
        <Fact name={words.to}>{exact(certificate.validBefore)}</Fact>
        <Fact name={words.issuedAt}>{exact(certificate.issuedAt)}</Fact>
        <Fact name={words.askedBy}>{certificate.askedBy}</Fact>
        {certificate.reason && <Fact name={words.reason}>{certificate.reason}</Fact>}
      </Facts>
    </Pane>
  );
}
