import type { CertificateInfo } from "../generated/types";

/** What is left of a certificate; the notch is where renewal starts. */
export function ValidityBar({ certificate, now }: { certificate: CertificateInfo; now: number }) {
  const from = Date.parse(certificate.validAfter);
  const to = Date.parse(certificate.validBefore);
  const whole = Math.max(1, to - from);
  const left = clamp((to - now) / whole);
  const renewal = clamp((to - Date.parse(certificate.renewAt)) / whole);
  const colour = left === 0 ? "bg-warn" : left < renewal ? "bg-accent" : "bg-ok";
  return (
    <span
      className="relative block h-1.5 overflow-hidden rounded-full bg-line-strong"
      aria-hidden="true"
    >
      <span className={`absolute inset-y-0 left-0 ${colour}`} style={{ width: `${left * 100}%` }} />
      <span className="absolute inset-y-0 w-px bg-panel" style={{ left: `${renewal * 100}%` }} />
    </span>
  );
}

function clamp(share: number): number {
  return Math.max(0, Math.min(1, share));
}
