import { useState } from "react";
import { useBeginJob } from "../../app/actions";
import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { EffectList } from "../../components/EffectList";
import { ProblemView } from "../../components/ProblemView";
import { Sheet } from "../../components/Sheet";
import { SkeletonRows } from "../../components/Skeleton";
import type { Container } from "../../generated/types";
import { text } from "../../text";

/** Says what a rebuild loses and keeps, then begins it. */
export function RebuildSheet({ container }: { container: Container }) {
  const { show } = useApp();
  const begin = useBeginJob();
  const { data, problem, loading } = useRead("preview_rebuild", { container: container.id });
  const [noCache, setNoCache] = useState(false);
  const words = text.rebuild;
  const rebuild = async () => {
    const job = await begin(
      { operation: "rebuild_container", request: { container: container.id, noCache } },
      text.job.failed(container.name),
    );
    if (job) show({ kind: "job", job });
  };

  return (
    <Sheet
      title={words.title(container.name)}
      width={520}
      top={120}
      onClose={() => show(null)}
      footer={
        <>
          <label className="flex flex-1 items-center gap-2">
            <input
              type="checkbox"
              className="check"
              checked={noCache}
              onChange={(event) => setNoCache(event.target.checked)}
            />
            {words.noCache}
          </label>
          <button type="button" className="btn" onClick={() => show(null)}>
            {text.common.cancel}
          </button>
          <button
            type="button"
            className="btn btn-danger-solid"
            disabled={!data}
            onClick={() => void rebuild()}
          >
            {words.button}
          </button>
        </>
      }
    >
      <div className="flex flex-col gap-4 px-5 pb-5">
        <p className="text-2">{words.text}</p>
        {loading && <SkeletonRows rows={3} />}
        {problem && <ProblemView problem={problem} />}
        {data &&
          (data.lostCount === 0 ? (
            <p>{words.losesNothing}</p>
          ) : (
            <section>
              <h3 className="mb-1.5 text-bad-text">{words.loses(data.lostCount)}</h3>
              <ul className="well log max-h-52 overflow-y-auto px-3 py-1 text-2">
                {data.lost.map((path) => (
                  <li key={path} className="[overflow-wrap:anywhere]">
                    {path}
                  </li>
                ))}
                {data.lostCount > data.lost.length && (
                  <li className="text-3">{words.andMore(data.lostCount - data.lost.length)}</li>
                )}
              </ul>
            </section>
          ))}
        {data && data.kept.length > 0 && (
          <EffectList title={words.keeps} shape="done">
            {data.kept}
          </EffectList>
        )}
      </div>
    </Sheet>
  );
}
