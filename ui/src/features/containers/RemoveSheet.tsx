import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { problemOf } from "../../backend/backend";
import { useBackend } from "../../backend/context";
import { EffectList } from "../../components/EffectList";
import { ProblemView } from "../../components/ProblemView";
import { Sheet } from "../../components/Sheet";
import type { Container } from "../../generated/types";
import { text } from "../../text";
import { useQuery } from "@tanstack/react-query";

/** Names what goes and what stays before anything is removed. */
export function RemoveSheet({ container }: { container: Container }) {
  const { show, go, place } = useApp();
  const backend = useBackend();
  const remove = useChange("remove_container");
  const [volumes, setVolumes] = useState(false);
  // A dry run is a question, though it is asked through an operation that changes things.
  const preview = useQuery({
    queryKey: ["remove_container", container.id, volumes],
    queryFn: () =>
      backend.call("remove_container", { container: container.id, volumes, dryRun: true }),
    placeholderData: (previous) => previous,
    gcTime: 0,
  });
  const plan = preview.data;
  const problem = remove.error ?? preview.error;
  const hasVolumes = plan && plan.volumes.length + plan.keptVolumes.length > 0;
  const words = text.remove;

  return (
    <Sheet
      title={words.title(container.name)}
      width={520}
      top={120}
      onClose={() => show(null)}
      footer={
        <>
          <span className="flex-1" />
          <button type="button" className="btn" onClick={() => show(null)}>
            {text.common.cancel}
          </button>
          <button
            type="button"
            className="btn btn-danger-solid"
            disabled={!plan || remove.isPending}
            onClick={() =>
              remove.mutate(
                { container: container.id, volumes, dryRun: false },
                {
                  onSuccess: () => {
                    if (place.container === container.id) go({ container: null, wide: false });
                    show(null);
                  },
                },
              )
            }
          >
            {words.button}
          </button>
        </>
      }
    >
      <div className="flex flex-col gap-4 px-5 pb-5">
        {problem && <ProblemView problem={problemOf(problem)} />}
        {plan && (
          <>
            <EffectList title={words.goes} shape="failed">
              {[
                words.container(container.id.slice(0, 12)),
                ...plan.networks.map(words.network),
                ...plan.volumes.map(words.volume),
              ]}
            </EffectList>
            {(plan.keptFolder || plan.keptVolumes.length > 0) && (
              <EffectList title={words.stays} shape="done">
                {[
                  ...(plan.keptFolder ? [words.folder(plan.keptFolder)] : []),
                  ...plan.keptVolumes.map(words.volume),
                ]}
              </EffectList>
            )}
            {hasVolumes && (
              <label className="flex items-center gap-2">
                <input
                  type="checkbox"
                  className="check"
                  checked={volumes}
                  onChange={(event) => setVolumes(event.target.checked)}
                />
                {words.withVolumes}
              </label>
            )}
          </>
        )}
      </div>
    </Sheet>
  );
}
