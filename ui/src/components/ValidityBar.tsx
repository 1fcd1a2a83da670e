/** The part of a certificate's time that is left when its renewal starts, where nobody says another moment. */
const RENEWAL_SHARE = 1 / 3;

/** What is left of a certificate; the notch is where renewal starts. Hatched where it is revoked. */
export function ValidityBar({
  certificate,
  now,
  revoked = false,
}: {
  certificate: { validAfter: string; validBefore: string; renewAt?: string };
  now: number;
  revoked?: boolean;
}) {
  const from = Date.parse(certificate.validAfter);
  const to = Date.parse(certificate.validBefore);
  const whole = Math.max(1, to - from);
  const left = clamp((to - now) / whole);
  const renewal = certificate.renewAt
    ? clamp((to - Date.parse(certificate.renewAt)) / whole)
    : RENEWAL_SHARE;
  const colour = left === 0 ? "bg-warn" : left < renewal ? "bg-accent" : "bg-ok";
  if (revoked) return <span className="hatched block h-1.5 rounded-full" aria-hidden="true" />;
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
