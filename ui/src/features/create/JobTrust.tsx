import { useState } from "react";
import { useApp } from "../../app/app-state";
import { Sheet } from "../../components/Sheet";
import type { Job, TrustSheet } from "../../generated/types";
import { text } from "../../text";
import { TrustFoot, TrustList } from "./TrustList";

/**
 * The second step of consent: what the image's own metadata adds, before the container is made; or what a start runs on
 * this computer, before it does.
 */
export function JobTrust({
  job,
  sheet,
  starts,
  onAllow,
}: {
  job: Job;
  sheet: TrustSheet;
  starts: boolean;
  onAllow: () => Promise<void>;
}) {
  const { show } = useApp();
  const [ticked, setTicked] = useState<ReadonlySet<number>>(new Set());
  const [going, setGoing] = useState(false);
  const all = sheet.items.length;
  return (
    <Sheet
      title={text.trust.title(job.subject)}
      onClose={() => show(null)}
      footer={
        <>
          <span className="min-w-0 flex-1 text-small text-3">
            <TrustFoot hash={sheet.hash} />
          </span>
          {ticked.size < all && (
            <span className="text-small text-3">{text.create.waitsForTicks(ticked.size, all)}</span>
          )}
          <button type="button" className="btn" onClick={() => show(null)}>
            {text.common.cancel}
          </button>
          <button
            type="button"
            className="btn btn-primary"
            data-testid="allow"
            disabled={ticked.size < all || going}
            onClick={() => {
              setGoing(true);
              void onAllow().finally(() => setGoing(false));
            }}
          >
            {text.trust.allow(ticked.size)}
          </button>
        </>
      }
    >
      <div className="px-5 pb-5">
        <p className="mb-3 text-2">{starts ? text.trust.startWhy : text.trust.imageWhy}</p>
        <TrustList
          sheet={sheet}
          title={starts ? text.trust.startAsks(all) : text.trust.imageAsks(all)}
          ticked={ticked}
          onTick={setTicked}
        />
      </div>
    </Sheet>
  );
}
