import { hostTitle } from "../../app/hosts";
import { useRead } from "../../backend/cache";
import { CopyLine } from "../../components/CopyLine";
import { ProblemView } from "../../components/ProblemView";
import { SkeletonRows } from "../../components/Skeleton";
import { shape, StatusGlyph } from "../../components/StatusGlyph";
import { ViewHead } from "../../components/ViewHead";
import type { DoctorCheck, Host } from "../../generated/types";
import { text } from "../../text";

/** The engines that were found, and whether this computer has all that the launcher needs. */
export function HostsView() {
  const { data, problem, loading } = useRead("list_hosts", {});
  const doctor = useRead("run_doctor", { fix: false });
  const columns = text.hosts.columns;
  return (
    <section
      aria-label={text.hosts.title}
      className="flex min-h-0 min-w-0 flex-1 flex-col overflow-y-auto"
    >
      <ViewHead title={text.hosts.title} count={data?.hosts.length} />
      <div className="section-head gap-3">
        <span className="w-60 text-body font-semibold text-1">{text.hosts.list}</span>
        <span className="w-44 max-wide:hidden">{columns.engine}</span>
        <span className="min-w-0 flex-1 max-row:hidden">{columns.address}</span>
        <span className="w-12 text-right max-wide:hidden">{columns.api}</span>
        <span className="w-40 text-right">{columns.state}</span>
      </div>
      {loading && <SkeletonRows rows={3} />}
      {problem && (
        <div className="p-4">
          <ProblemView problem={problem} />
        </div>
      )}
      {data?.hosts.length === 0 && <p className="px-4 py-3 text-2">{text.hosts.none}</p>}
      {data?.hosts.map((host) => (
        <HostRow key={host.name} host={host} />
      ))}
      <div className="section-head mt-6 flex-none gap-2">
        <span className="text-body font-semibold text-1">{text.hosts.checks}</span>
        {text.hosts.checksHint}
      </div>
      {doctor.loading && <SkeletonRows rows={6} />}
      {doctor.problem && (
        <div className="p-4">
          <ProblemView problem={doctor.problem} />
        </div>
      )}
      <ul className="selectable pb-6">
        {doctor.data?.checks.map((check) => (
          <Check key={check.id} check={check} />
        ))}
      </ul>
    </section>
  );
}

function HostRow({ host }: { host: Host }) {
  const ready = host.state === "ready";
  return (
    <div
      className="selectable flex min-h-9 items-start gap-3 px-4 py-2 hover:bg-hover"
      data-host={host.name}
      data-state={host.state}
    >
      <span className="flex w-60 flex-none items-center gap-2">
        <StatusGlyph
          shape={ready ? "running" : host.state === "notAnswering" ? "unknown" : "failed"}
        />
        <span className="truncate font-medium">{hostTitle(host)}</span>
        {host.current && <span className="badge bg-press text-2">{text.hosts.current}</span>}
      </span>
      <span className="w-44 flex-none truncate max-wide:hidden">
        {host.engine ?? text.common.notKnown}
      </span>
      <span className="min-w-0 flex-1 max-row:hidden">
        <code className="mono block truncate leading-5 text-2" title={host.url}>
          {host.url}
        </code>
        <span className="block text-small text-3 [overflow-wrap:anywhere]">
          {host.detail ?? `${text.hosts.source} ${host.source}`}
        </span>
      </span>
      <span className="mono w-12 flex-none text-right leading-5 text-2 max-wide:hidden">
        {host.apiVersion ?? text.common.none}
      </span>
      <span
        className={`ml-auto w-40 flex-none text-right ${ready ? "text-ok-text" : "text-bad-text"}`}
      >
        {text.hostState[host.state]}
      </span>
    </div>
  );
}

function Check({ check }: { check: DoctorCheck }) {
  const tone =
    check.state === "failed"
      ? "text-bad-text"
      : check.state === "warning"
        ? "text-warn-text"
        : "text-2";
  return (
    <li
      className="flex gap-2 border-b border-line px-4 py-2.5"
      data-check={check.id}
      data-state={check.state}
    >
      <StatusGlyph shape={shape.check(check.state)} className="mt-0.5" />
      <span className="w-50 flex-none font-medium max-row:w-32">{check.title}</span>
      <div className="min-w-0 flex-1">
        <p className={`[overflow-wrap:anywhere] ${tone}`}>{check.detail}</p>
        {check.fix && check.state !== "ok" && (
          <div className="mt-1 max-w-150">
            <p className="text-2">{check.fix.text}</p>
            {check.fix.command && (
              <div className="mt-2">
                <CopyLine line={check.fix.command} />
              </div>
            )}
          </div>
        )}
      </div>
    </li>
  );
}
