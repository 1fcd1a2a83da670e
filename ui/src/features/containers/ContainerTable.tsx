import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState, type KeyboardEvent } from "react";
import { runs, useContainerActions, type ContainerActions } from "../../app/actions";
import { useApp } from "../../app/app-state";
import { hostTitle } from "../../app/hosts";
import { Icon } from "../../components/Icon";
import { useNow } from "../../components/useNow";
import { groupBy } from "../../format";
import type { Container, Host } from "../../generated/types";
import { text } from "../../text";
import { ContainerRow } from "./ContainerRow";

const HEIGHT = { group: 32, row: 36 } as const;

type Line =
  | { kind: "group"; name: string; count: number; host: Host | undefined; open: boolean }
  | { kind: "row"; container: Container; asleep: boolean };

/** Containers by host. Only the rows in sight exist in the document. */
export function ContainerTable({
  containers,
  hosts,
  narrow,
}: {
  containers: readonly Container[];
  hosts: readonly Host[];
  narrow: boolean;
}) {
  const { place, go } = useApp();
  const actions = useContainerActions();
  const now = useNow();
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [active, setActive] = useState<string | null>(place.container);
  const scroller = useRef<HTMLDivElement>(null);

  const lines = useMemo(() => toLines(containers, hosts, closed), [containers, hosts, closed]);
  const rows = lines.filter((line) => line.kind === "row");
  const current = rows.some((row) => row.container.id === active)
    ? active
    : (rows[0]?.container.id ?? null);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => HEIGHT[lines[index]?.kind ?? "row"],
    getItemKey: (index) => keyOf(lines[index]),
    overscan: 12,
    initialRect: { width: 800, height: 800 },
  });

  const focus = (id: string) => {
    setActive(id);
    virtual.scrollToIndex(
      lines.findIndex((line) => line.kind === "row" && line.container.id === id),
    );
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-row="${id}"]`)?.focus(),
    );
  };
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target instanceof HTMLElement && !event.target.dataset["row"]) return;
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.ctrlKey && event.key === "r" && current) {
        event.preventDefault();
        const row = rows.find((row) => row.container.id === current);
        if (row) actions.rebuild(row.container);
      }
      return;
    }
    const index = rows.findIndex((row) => row.container.id === current);
    const move = MOVES[event.key];
    const target = move ? rows[move(index, rows.length)] : undefined;
    if (target) {
      event.preventDefault();
      focus(target.container.id);
      if (place.container) go({ container: target.container.id });
      return;
    }
    const row = rows[index];
    if (row && act(event.key, row.container, actions)) event.preventDefault();
  };
  const toggleGroup = (name: string) =>
    setClosed((before) => {
      const after = new Set(before);
      if (!after.delete(name)) after.add(name);
      return after;
    });

  return (
    <>
      {!narrow && <ColumnHead />}
      <div
        ref={scroller}
        role="grid"
        aria-rowcount={lines.length}
        tabIndex={-1}
        aria-label={text.containers.list}
        className="min-h-0 flex-1 overflow-y-auto border-t border-line"
        onKeyDown={onKeyDown}
      >
        <div className="relative" style={{ height: virtual.getTotalSize() }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const line = lines[item.index];
            if (!line) return null;
            return (
              <div
                key={item.key}
                role="presentation"
                className="absolute inset-x-0 top-0"
                style={{ transform: `translateY(${item.start}px)`, height: item.size }}
              >
                {line.kind === "group" ? (
                  <GroupHead
                    line={line}
                    first={item.index === 0}
                    narrow={narrow}
                    onToggle={() => toggleGroup(line.name)}
                  />
                ) : (
                  <ContainerRow
                    container={line.container}
                    asleep={line.asleep}
                    narrow={narrow}
                    now={now}
                    selected={place.container === line.container.id}
                    focusable={line.container.id === current}
                    actions={actions}
                    onFocus={() => setActive(line.container.id)}
                  />
                )}
              </div>
            );
          })}
        </div>
      </div>
    </>
  );
}

const MOVES: Record<string, (index: number, length: number) => number> = {
  ArrowDown: (index, length) => Math.min(index + 1, length - 1),
  ArrowUp: (index) => Math.max(index - 1, 0),
  Home: () => 0,
  End: (_index, length) => length - 1,
  PageDown: (index, length) => Math.min(index + 10, length - 1),
  PageUp: (index) => Math.max(index - 10, 0),
};

/** The letters that act on the row with the focus. */
function act(key: string, container: Container, actions: ContainerActions): boolean {
  const acts: Record<string, (container: Container) => void> = {
    Enter: actions.open,
    o: actions.open,
    t: actions.terminal,
    c: actions.copySsh,
    s: actions.toggle,
    r: actions.restart,
    Delete: actions.remove,
  };
  const act = acts[key.length === 1 ? key.toLowerCase() : key];
  if (!act || (key.toLowerCase() === "t" && !runs(container))) return false;
  act(container);
  return true;
}

function keyOf(line: Line | undefined): string {
  if (!line) return "";
  return line.kind === "group" ? `host ${line.name}` : line.container.id;
}

function toLines(
  containers: readonly Container[],
  hosts: readonly Host[],
  closed: ReadonlySet<string>,
): Line[] {
  const groups = [...groupBy(containers, (container) => container.host)];
  const place = (name: string) => hosts.findIndex((host) => host.name === name);
  groups.sort(([a], [b]) => place(a) - place(b));
  return groups.flatMap(([name, members]): Line[] => {
    const host = hosts.find((host) => host.name === name);
    const open = !closed.has(name);
    const asleep = host !== undefined && host.state !== "ready";
    const head: Line = { kind: "group", name, count: members.length, host, open };
    return [
      head,
      ...(open ? members.map((container): Line => ({ kind: "row", container, asleep })) : []),
    ];
  });
}

function ColumnHead() {
  const columns = text.containers.columns;
  return (
    <div
      className="flex h-7 flex-none items-center gap-3 px-4 text-caption text-3 max-row:hidden"
      aria-hidden="true"
    >
      <span className="w-4 flex-none" />
      <span className="-ml-1 min-w-40 flex-1">{columns.name}</span>
      <span className="w-20 flex-none">{columns.state}</span>
      <span className="min-w-32 flex-[1.2]">{columns.image}</span>
      <span className="w-24 flex-none max-wide:hidden">{columns.ports}</span>
      <span className="w-14 flex-none text-right">{columns.age}</span>
    </div>
  );
}

function GroupHead({
  line,
  first,
  narrow,
  onToggle,
}: {
  line: Extract<Line, { kind: "group" }>;
  first: boolean;
  narrow: boolean;
  onToggle: () => void;
}) {
  const silent = line.host && line.host.state !== "ready";
  const aside = silent && line.host ? text.hostState[line.host.state] : line.host?.engine;
  return (
    <div role="row" className={`border-line bg-sunken ${first ? "border-b" : "border-y"}`}>
      <div role="gridcell">
        <button
          type="button"
          aria-expanded={line.open}
          onClick={onToggle}
          className="flex h-[31px] w-full items-center gap-2 px-4"
        >
          <Icon
            name="chevronDown"
            size={12}
            className={`mx-0.5 text-3 ${line.open ? "" : "-rotate-90"}`}
          />
          <span className="truncate font-semibold">
            {line.host ? hostTitle(line.host) : line.name}
          </span>
          {!narrow && (
            <span className={`truncate ${silent ? "text-warn-text" : "text-3"}`}>{aside}</span>
          )}
          <span className="ml-auto flex-none text-small text-3">
            {narrow && silent ? aside : line.count}
          </span>
        </button>
      </div>
    </div>
  );
}
