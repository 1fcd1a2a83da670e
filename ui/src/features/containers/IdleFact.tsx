import { useApp } from "../../app/app-state";
import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { useNow } from "../../components/useNow";
import { span } from "../../format";
import type { Container, IdleInfo } from "../../generated/types";
import { text } from "../../text";

/** For so many minutes a container is kept awake by a click. */
const AWAKE_MINUTES = 120;

/** Since when nobody uses a container, when it will be stopped for it, and the way to keep it awake. */
export function IdleFact({ container }: { container: Container }) {
  const { show } = useApp();
  const { data } = useRead("list_idle", {});
  const keep = useChange("keep_awake");
  const now = useNow(30_000);
  const info = data?.containers.find((one) => one.container === container.name);
  if (!info || info.state === "stopped") return null;
  const isKept = info.awakeUntil !== null;
  const words = text.idle;
  const toggle = () =>
    keep.mutate(
      { container: container.id, minutes: isKept ? 0 : AWAKE_MINUTES },
      {
        onError: (error) =>
          show({ kind: "problem", title: words.keepAwake, problem: problemOf(error) }),
      },
    );
  return (
    <>
      <dt className="text-3">{words.title}</dt>
      <dd className="flex min-w-0 flex-wrap items-center gap-x-2">
        <span>{described(info, now)}</span>
        {(isKept || info.stopAfterMinutes !== null) && (
          <button
            type="button"
            className="btn btn-ghost btn-small"
            disabled={keep.isPending}
            onClick={toggle}
          >
            {isKept ? words.letSleep : words.keepAwake}
          </button>
        )}
      </dd>
    </>
  );
}

function described(info: IdleInfo, now: number): string {
  const words = text.idle;
  if (info.awakeUntil) return words.until(span(Date.parse(info.awakeUntil) - now));
  if (info.state !== "idle" || !info.idleSince) return words.states[info.state];
  const since = words.since(span(now - Date.parse(info.idleSince)));
  if (!info.stopsAt) return since;
  const rest = Date.parse(info.stopsAt) - now;
  return `${since}, ${rest > 0 ? words.stops(span(rest)) : words.stopsNow}`;
}
