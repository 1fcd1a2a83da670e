import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { clock } from "../format";
import type { LogStream } from "../generated/types";
import { text } from "../text";
import { useCopy } from "./CopyLine";
import { IconButton } from "./IconButton";
import { takeFocus } from "./takeFocus";

export interface LogEntry {
  at: string | null;
  stream: LogStream;
  text: string;
}

const LINE = 20;
const WARNING = /\b(W|warn|warning)\b:?/i;
// eslint-disable-next-line no-control-regex -- escape sequences begin with a control character
const ESCAPES = /\u001b(?:\[[0-9;?]*[A-Za-z]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g;

/** A log of any length: search, follow, wrap, times, copy. Its text is never taken for markup. */
export function LogView({
  title,
  lines,
  empty,
}: {
  title: string;
  lines: readonly LogEntry[];
  empty: string;
}) {
  const [follow, setFollow] = useState(true);
  const [wrap, setWrap] = useState(false);
  const [times, setTimes] = useState(true);
  const [search, setSearch] = useState<string | null>(null);
  const { copied, copy } = useCopy();
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const wanted = search?.toLowerCase();
    return wanted ? lines.filter((line) => line.text.toLowerCase().includes(wanted)) : lines;
  }, [lines, search]);
  const virtual = useVirtualizer({
    count: shown.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE,
    overscan: 20,
    initialRect: { width: 600, height: 600 },
  });

  useEffect(() => {
    if (follow && shown.length > 0) virtual.scrollToIndex(shown.length - 1, { align: "end" });
  }, [follow, shown.length, virtual]);

  return (
    <div className="flex min-h-0 flex-1 flex-col bg-term">
      <div className="flex h-10 flex-none items-center gap-2 border-b border-line bg-panel pr-2 pl-4">
        <span className="font-medium">{title}</span>
        <span className="truncate text-small text-3">{text.logs.lines(shown.length)}</span>
        <div className="ml-auto flex items-center gap-1">
          {search !== null && (
            <input
              // The field appears because somebody asked to search.
              ref={takeFocus}
              className="field h-6 w-36"
              value={search}
              aria-label={text.logs.search}
              onChange={(event) => setSearch(event.target.value)}
              onKeyDown={(event) => {
                if (event.key !== "Escape") return;
                event.stopPropagation();
                setSearch(null);
              }}
            />
          )}
          <IconButton
            small
            icon="search"
            label={text.logs.search}
            onClick={() => setSearch(search === null ? "" : null)}
          />
          <IconButton
            small
            icon="clock"
            label={text.logs.times}
            aria-pressed={times}
            onClick={() => setTimes(!times)}
          />
          <IconButton
            small
            icon="wrap"
            label={text.logs.wrap}
            aria-pressed={wrap}
            onClick={() => setWrap(!wrap)}
          />
          <IconButton
            small
            icon={copied ? "check" : "copy"}
            label={text.logs.copy}
            onClick={() => copy(shown.map((line) => line.text).join("\n"))}
          />
          <button
            type="button"
            aria-pressed={follow}
            className={`btn btn-small ${follow ? "bg-press!" : "btn-ghost"}`}
            onClick={() => setFollow(!follow)}
          >
            {text.logs.follow}
          </button>
        </div>
      </div>
      {shown.length === 0 ? (
        <p className="p-4 text-3">{search ? text.logs.none : empty}</p>
      ) : (
        <div
          ref={scroller}
          role="log"
          aria-live="off"
          aria-label={title}
          tabIndex={0}
          className="log selectable min-h-0 flex-1 overflow-auto py-2"
          onWheel={(event) => {
            if (event.deltaY < 0) setFollow(false);
          }}
          onScroll={(event) => {
            const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
            if (scrollHeight - scrollTop - clientHeight < LINE / 2) setFollow(true);
          }}
        >
          <div className="relative" style={{ height: virtual.getTotalSize() }}>
            {virtual.getVirtualItems().map((item) => {
              const line = shown[item.index];
              if (!line) return null;
              return (
                <div
                  key={item.key}
                  ref={virtual.measureElement}
                  data-index={item.index}
                  className="absolute top-0 left-0 flex min-w-full gap-3 px-4"
                  style={{
                    transform: `translateY(${item.start}px)`,
                    width: wrap ? "100%" : "max-content",
                  }}
                >
                  {times && (
                    <span className="flex-none text-3">{line.at ? clock(line.at) : ""}</span>
                  )}
                  <span
                    className={`${wrap ? "min-w-0 [overflow-wrap:anywhere] whitespace-pre-wrap" : "whitespace-pre"} ${tone(line)}`}
                  >
                    {line.text.replace(ESCAPES, "") || " "}
                  </span>
                </div>
              );
            })}
          </div>
        </div>
      )}
    </div>
  );
}

function tone(line: LogEntry): string {
  if (line.stream === "note") return "text-3";
  if (line.stream === "stderr" && WARNING.test(line.text)) return "text-warn-text";
  return line.stream === "stderr" ? "text-1" : "text-2";
}
