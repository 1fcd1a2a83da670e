import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import { useRead } from "../../backend/cache";
import { ProblemView } from "../../components/ProblemView";
import { SkeletonRows } from "../../components/Skeleton";
import { StatusGlyph, type Shape } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { ago, duration, exact } from "../../format";
import type { EventRecord, OutcomeKind } from "../../generated/types";
import { text } from "../../text";

const SHAPE: Record<OutcomeKind, Shape> = {
  begun: "starting",
  done: "done",
  failed: "failed",
  cancelled: "stopped",
  interrupted: "attention",
};

/** How many events are asked for. */
const LIMIT = 1000;

/** Events, newest first; of one subject, or of all. */
export function EventTable({ subject, compact = false }: { subject?: string; compact?: boolean }) {
  const { data, problem, loading } = useRead("list_events", {
    limit: LIMIT,
    ...(subject ? { subject } : {}),
  });
  const now = useNow();
  const scroller = useRef<HTMLDivElement>(null);
  const acts = useMemo(() => latestOfEachAct(data?.events ?? []), [data]);
  const virtual = useVirtualizer({
    count: acts.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => 36,
    overscan: 12,
    initialRect: { width: 800, height: 800 },
  });

  if (loading) return <SkeletonRows />;
  if (problem) {
    return (
      <div className="p-4">
        <ProblemView problem={problem} />
      </div>
    );
  }
  if (acts.length === 0) {
    return (
      <p className="max-w-112 p-4 text-2">{subject ? text.events.noneHere : text.events.none}</p>
    );
  }
  const columns = text.events.columns;
  return (
    <div className="flex h-full min-h-0 flex-col">
      {!compact && (
        <div
          className="flex h-7 flex-none items-center gap-3 border-b border-line px-4 text-caption text-3"
          aria-hidden="true"
        >
          <span className="w-4" />
          <span className="-ml-1 w-36">{columns.operation}</span>
          {!subject && <span className="min-w-0 flex-1">{columns.subject}</span>}
          <span className="w-28">{columns.outcome}</span>
          <span className="w-36 max-row:hidden">{columns.who}</span>
          <span className={`w-20 text-right ${subject ? "ml-auto" : ""}`}>{columns.took}</span>
          <span className="w-16 text-right">{columns.at}</span>
        </div>
      )}
      <div
        ref={scroller}
        className="min-h-0 flex-1 overflow-y-auto"
        role="list"
        aria-label={text.events.list}
        tabIndex={0}
      >
        <div className="relative" style={{ height: virtual.getTotalSize() }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const event = acts[item.index];
            if (!event) return null;
            return (
              <div
                key={event.id}
                role="listitem"
                className="row absolute inset-x-0 top-0 gap-3"
                style={{ transform: `translateY(${item.start}px)` }}
              >
                <StatusGlyph shape={SHAPE[event.outcome]} />
                <span
                  className={`-ml-1 truncate font-medium ${compact ? "flex-1" : "w-36 flex-none"}`}
                >
                  {text.operation(event.operation)}
                </span>
                {!subject && <span className="min-w-0 flex-1 truncate">{event.subject}</span>}
                <span className="w-28 flex-none truncate text-2">
                  {event.code && event.outcome === "failed" ? (
                    <code className="mono text-bad-text">{event.code}</code>
                  ) : (
                    text.outcome[event.outcome]
                  )}
                </span>
                {!compact && (
                  <>
                    <span className="w-36 flex-none truncate text-2 max-row:hidden">
                      {text.events.door(event.who, event.door)}
                    </span>
                    <span
                      className={`w-20 flex-none text-right text-2 ${subject ? "ml-auto" : ""}`}
                    >
                      {event.durationMs === null ? text.common.none : duration(event.durationMs)}
                    </span>
                  </>
                )}
                <span
                  className="w-16 flex-none text-right text-small text-3"
                  title={exact(event.at)}
                >
                  {ago(event.at, now)}
                </span>
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

/** Intent and outcome of an act are two events; the newer one says it all. Newest act first. */
export function latestOfEachAct(events: readonly EventRecord[]): EventRecord[] {
  const acts = new Map<string, EventRecord>();
  for (const event of events) acts.set(event.id, event);
  return [...acts.values()].toSorted((a, b) => b.seq - a.seq);
}
