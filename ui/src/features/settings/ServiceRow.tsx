import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { ProblemView } from "../../components/ProblemView";
import { text } from "../../text";

/** Whether the background service is installed and runs, and the way to change it. */
export function ServiceRow() {
  const { data, problem } = useRead("show_service", {});
  const install = useChange("install_service");
  const uninstall = useChange("uninstall_service");
  const words = text.service;
  const change = data?.installed ? uninstall : install;
  const failed = install.error ?? uninstall.error;
  return (
    <div>
      <h2 className="mt-6 mb-1 font-semibold">{words.title}</h2>
      <div className="border-t border-line py-3">
        <div className="flex items-center gap-4 max-row:flex-wrap">
          <div className="min-w-0 flex-1">
            <p>{words.about}</p>
            {data && (
              <p className="text-small [overflow-wrap:anywhere] text-2">
                {data.installed ? words.installed(data.kind, data.file ?? "") : words.notInstalled}{" "}
                {data.installed && (data.pid === null ? words.stands : words.runs(data.pid))}
              </p>
            )}
          </div>
          {data && (
            <button
              type="button"
              className="btn"
              disabled={change.isPending}
              onClick={() => change.mutate({})}
            >
              {data.installed ? words.uninstall : words.install}
            </button>
          )}
        </div>
        {problem && <ProblemView problem={problem} />}
        {failed !== null && (
          <div className="mt-3">
            <ProblemView problem={problemOf(failed)} />
          </div>
        )}
      </div>
    </div>
  );
}
