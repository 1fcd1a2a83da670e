import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { ProblemView } from "../../components/ProblemView";
import { SkeletonRows } from "../../components/Skeleton";
import { StatusGlyph } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { ago, exact } from "../../format";
import { text } from "../../text";
import { FileHead } from "./FileHead";

/** What is revoked, newest first; and the way to revoke more. */
export function RevocationTab() {
  const { show } = useApp();
  const { data, problem, loading } = useRead("list_revocations", {});
  const now = useNow();
  const words = text.ssh.revocation;
  return (
    <>
      <div className="selectable min-h-0 flex-1 overflow-y-auto px-4 py-3">
        {loading && <SkeletonRows rows={3} />}
        {problem && <ProblemView problem={problem} />}
        {data && (
          <>
            <FileHead icon="file" path={data.path} aside={words.version(data.version)} />
            {data.problem && (
              <p className="mb-3 flex gap-2 text-warn-text">
                <StatusGlyph shape="attention" className="mt-0.5" />
                <span className="min-w-0 [overflow-wrap:anywhere]">
                  {words.damaged} <span className="block text-2">{data.problem}</span>
                </span>
              </p>
            )}
            {data.revocations.length === 0 && <p className="text-2">{words.none}</p>}
            <ul aria-label={words.listLabel}>
              {data.revocations.toReversed().map((one) => (
                <li key={one.version} className="border-t border-line py-2">
                  <p className="flex items-baseline gap-2">
                    <span className="flex-none text-2">
                      {words.recorded[one.means] ?? one.means}
                    </span>
                    <code className="mono min-w-0 flex-1 truncate" title={one.what}>
                      {one.what}
                    </code>
                    <span className="flex-none text-small text-3" title={exact(one.at)}>
                      {ago(one.at, now)}
                    </span>
                  </p>
                  <p className="text-small text-2 [overflow-wrap:anywhere]">
                    {one.reason ? `${one.askedBy}: ${one.reason}` : one.askedBy}
                  </p>
                </li>
              ))}
            </ul>
            <p className="mt-3 flex gap-2 text-small text-3">
              <Icon name="lock" size={14} />
              {words.final}
            </p>
          </>
        )}
      </div>
      <footer className="flex h-13 flex-none items-center gap-2 border-t border-line px-4">
        <span className="flex-1" />
        <button
          type="button"
          className="btn btn-danger"
          onClick={() => show({ kind: "ssh", sheet: { act: "revoke", certificate: null } })}
        >
          {words.new}
        </button>
      </footer>
    </>
  );
}
