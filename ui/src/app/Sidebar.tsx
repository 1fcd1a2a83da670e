import { useRead } from "../backend/cache";
import { Icon, type IconName } from "../components/Icon";
import { useNow } from "../components/useNow";
import { span } from "../format";
import type { CertificateInfo } from "../generated/types";
import { text } from "../text";
import { useApp, type View } from "./app-state";

/** The views, and under them what a person should see without asking: how long the certificate lasts. */
export function Sidebar() {
  const containers = useRead("list_containers", {});
  const hosts = useRead("list_hosts", {});
  const ssh = useRead("ssh_status", {});
  return (
    <nav
      aria-label={text.shell.navigation}
      className="flex w-46 flex-none flex-col px-2 pt-1 pb-2 max-row:w-full max-row:flex-row max-row:justify-around max-row:pb-1"
    >
      <Item view="containers" icon="box" count={containers.data?.containers.length} />
      <Item view="hosts" icon="server" count={hosts.data?.hosts.length} />
      <div className="h-3 max-row:hidden" />
      <Item view="ssh" icon="key" />
      <Item view="secrets" icon="lock" />
      <Item view="activity" icon="activity" />
      <div className="flex-1 max-row:hidden" />
      {ssh.data && <Certificate certificate={ssh.data.certificate} />}
      <Item view="settings" icon="settings" />
    </nav>
  );
}

function Item({ view, icon, count }: { view: View; icon: IconName; count?: number | undefined }) {
  const { place, go } = useApp();
  const current = place.view === view;
  return (
    <button
      type="button"
      aria-current={current ? "page" : undefined}
      aria-label={text.shell.views[view]}
      onClick={() => go({ view })}
      className={`mb-px flex h-7 items-center gap-2 rounded-control px-2 max-row:h-10 max-row:flex-col max-row:justify-center max-row:gap-0 ${
        current ? "bg-press text-1" : "text-2 hover:bg-hover"
      }`}
    >
      <Icon name={icon} />
      <span className="flex-1 text-left max-row:text-caption">{text.shell.views[view]}</span>
      {count !== undefined && <span className="text-small text-3 max-row:hidden">{count}</span>}
    </button>
  );
}

function Certificate({ certificate }: { certificate: CertificateInfo | null }) {
  const { go } = useApp();
  const now = useNow(30_000);
  const left = certificate ? Date.parse(certificate.validBefore) - now : 0;
  const whole = certificate
    ? Date.parse(certificate.validBefore) - Date.parse(certificate.validAfter)
    : 1;
  const valid = certificate !== null && left > 0;
  const words = !certificate
    ? text.shell.certificateNone
    : valid
      ? span(left).replace(" min", " m")
      : text.shell.certificateExpired;
  return (
    <button
      type="button"
      onClick={() => go({ view: "ssh" })}
      className="mb-2 rounded-control px-2 py-1 text-2 hover:bg-hover max-row:hidden"
      aria-label={`${text.shell.certificate}: ${words}`}
    >
      <span className="flex items-center gap-2">
        <Icon name={valid ? "shieldCheck" : "shield"} className={valid ? "text-ok" : "text-idle"} />
        <span className="flex-1 text-left">{text.shell.certificate}</span>
        <span className="truncate text-small">{words}</span>
      </span>
      <span className="mt-1 block h-0.5 rounded-full bg-line-strong">
        <span
          className="block h-full rounded-full bg-ok"
          style={{ width: `${Math.max(0, Math.min(1, left / whole)) * 100}%` }}
        />
      </span>
    </button>
  );
}
