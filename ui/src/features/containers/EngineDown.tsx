import { useRead } from "../../backend/cache";
import { CopyLine } from "../../components/CopyLine";
import { StatusGlyph } from "../../components/StatusGlyph";
import type { Fix, Host, Problem } from "../../generated/types";
import { text } from "../../text";

/** No engine answers: what was tried and what mends it. Goes away by itself when one comes up. */
export function EngineDown({
  hosts,
  problem,
}: {
  hosts: readonly Host[];
  problem: Problem | null;
}) {
  const doctor = useRead("run_doctor", { fix: false });
  const fixes = mending(problem, doctor.data?.checks ?? []);
  return (
    <div className="selectable flex flex-1 flex-col items-center overflow-y-auto border-t border-line px-4 pb-8">
      <div className="mt-[9vh] w-full max-w-150" role="alert">
        <h2 className="flex items-center gap-2 text-head">
          <StatusGlyph shape="attention" />
          {text.containers.engineDownTitle}
        </h2>
        <p className="mt-1 text-2">{text.containers.engineDownText}</p>
        {fixes.length > 0 && (
          <ol className="mt-5">
            {fixes.map((fix, index) => (
              <li key={fix.text} className="flex gap-3 border-t border-line py-3">
                <span className="w-3 text-3">{index + 1}</span>
                <div className="min-w-0 flex-1">
                  <p>{fix.text}</p>
                  {fix.command && (
                    <div className="mt-2">
                      <CopyLine line={fix.command} />
                    </div>
                  )}
                </div>
              </li>
            ))}
          </ol>
        )}
        {hosts.length > 0 && (
          <>
            <h3 className="mt-5 mb-1 text-2">{text.containers.engineDownTried}</h3>
            <ul>
              {hosts.map((host) => (
                <li key={host.name} className="flex gap-3 border-t border-line py-2">
                  <StatusGlyph shape="failed" className="mt-0.5" />
                  <div className="min-w-0">
                    <p className="flex flex-wrap gap-x-2">
                      <code className="mono leading-5">{host.url}</code>
                      <span className="text-bad-text">{text.hostState[host.state]}</span>
                    </p>
                    {host.detail && (
                      <p className="text-small text-3 [overflow-wrap:anywhere]">{host.detail}</p>
                    )}
                  </div>
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </div>
  );
}

/** The fixes of the problem and of the engine's own checks, each once. */
function mending(
  problem: Problem | null,
  checks: readonly { id: string; state: string; fix: Fix | null }[],
): Fix[] {
  const ofChecks = checks.flatMap((check) =>
    check.state === "failed" && check.fix && ["engine", "socket"].includes(check.id)
      ? [check.fix]
      : [],
  );
  const all = [...(problem?.fixes ?? []), ...ofChecks];
  return all.filter((fix, index) => all.findIndex((other) => other.text === fix.text) === index);
}
