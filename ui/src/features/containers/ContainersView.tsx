import { useEffect, useRef } from "react";
import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { IconButton } from "../../components/IconButton";
import { Keys } from "../../components/Keys";
import { SkeletonRows } from "../../components/Skeleton";
import { ViewHead } from "../../components/ViewHead";
import type { Container, Host } from "../../generated/types";
import { text } from "../../text";
import { ContainerDetail } from "./ContainerDetail";
import { ContainerTable } from "./ContainerTable";
import { EmptyContainers } from "./EmptyContainers";
import { EngineDown } from "./EngineDown";
import { fits, inWords, parseFilter } from "./filter";
import { useLastKnown } from "./lastKnown";

/** The list of containers, and beside it the pane of the chosen one. */
export function ContainersView() {
  const { place, filter, show } = useApp();
  const list = useRead("list_containers", {});
  const hosts = useRead("list_hosts", {});
  const known = hosts.data?.hosts ?? [];
  const containers = useLastKnown(list.data, known).filter(
    (container) => !place.host || container.host === place.host,
  );
  const parsed = parseFilter(filter);
  const shown = containers.filter((container) => fits(container, parsed));
  const open = asKnown(
    containers.find((container) => container.id === place.container) ?? null,
    known,
  );
  const engineDown = isEngineDown(known, containers, hosts.loading, list.problem !== null);
  const wide = open !== null && place.wide;

  return (
    <div className="flex min-h-0 min-w-0 flex-1">
      <section
        aria-label={text.containers.title}
        className={`flex min-w-0 flex-col ${wide ? "w-60 flex-none max-wide:hidden" : "flex-1"} ${
          open ? "border-r border-line max-wide:hidden" : ""
        }`}
      >
        <ViewHead
          title={text.containers.title}
          count={list.data && !engineDown ? containers.length : undefined}
        >
          {wide ? (
            <IconButton
              icon="plus"
              label={text.containers.new}
              keys={["Ctrl", "N"]}
              onClick={() => show({ kind: "create", source: "" })}
            />
          ) : (
            <>
              {containers.length > 0 && <FilterField />}
              <button
                type="button"
                className="btn btn-primary"
                onClick={() => show({ kind: "create", source: "" })}
                aria-label={text.palette.newContainer}
              >
                <Icon name="plus" />
                {text.containers.new}
                {containers.length === 0 && <Keys keys={["Ctrl", "N"]} />}
              </button>
            </>
          )}
        </ViewHead>
        {list.loading || (hosts.loading && containers.length === 0) ? (
          <SkeletonRows />
        ) : engineDown ? (
          <EngineDown hosts={known} problem={list.problem} />
        ) : containers.length === 0 ? (
          <EmptyContainers />
        ) : shown.length === 0 ? (
          <FilteredToNothing words={inWords(parsed)} hidden={containers.length} />
        ) : (
          <ContainerTable containers={shown} hosts={known} narrow={wide} />
        )}
      </section>
      {open && <ContainerDetail key={open.id} container={open} />}
    </div>
  );
}

/** What a container does is not known while its host does not answer. */
function asKnown(container: Container | null, hosts: readonly Host[]): Container | null {
  const host = hosts.find((host) => host.name === container?.host);
  return container && host && host.state !== "ready"
    ? { ...container, state: "unknown" }
    : container;
}

/** Nothing to show and no engine that could have something. With last-known rows the list stays. */
function isEngineDown(
  hosts: readonly Host[],
  containers: readonly Container[],
  loading: boolean,
  failed: boolean,
): boolean {
  if (containers.length > 0) return false;
  return failed || (!loading && hosts.every((host) => host.state !== "ready"));
}

function FilterField() {
  const { filter, setFilter } = useApp();
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const focus = () => field.current?.focus();
    addEventListener("devctl:filter", focus);
    return () => removeEventListener("devctl:filter", focus);
  }, []);

  return (
    <label className="field flex w-[224px] min-w-24 flex-shrink items-center gap-2 pr-1.5!">
      <Icon name="filter" className="text-3" />
      <input
        ref={field}
        type="text"
        value={filter}
        spellCheck={false}
        aria-label={text.containers.filter}
        placeholder={text.containers.filterHint}
        onChange={(event) => setFilter(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && filter) {
            event.stopPropagation();
            setFilter("");
          }
          if (event.key === "ArrowDown" || event.key === "Enter") {
            event.preventDefault();
            document.querySelector<HTMLElement>("[data-row][tabindex='0']")?.focus();
          }
        }}
      />
      {filter ? (
        <IconButton
          small
          icon="close"
          iconSize={12}
          label={text.containers.clearFilter}
          onClick={() => setFilter("")}
        />
      ) : (
        <Keys keys={["/"]} />
      )}
    </label>
  );
}

function FilteredToNothing({ words, hidden }: { words: string; hidden: number }) {
  const { setFilter } = useApp();
  return (
    <div className="mx-auto mt-24 flex w-full max-w-112 flex-col items-start gap-2 px-4">
      <h2 className="text-head">{text.containers.filteredTitle}</h2>
      <p className="text-2">
        {text.containers.filteredWords(words)} {text.containers.hidden(hidden)}
      </p>
      <button type="button" className="btn mt-2" onClick={() => setFilter("")}>
        {text.containers.clearFilter}
      </button>
    </div>
  );
}
