import * as Tabs from "@radix-ui/react-tabs";
import { lazy, Suspense, useState } from "react";
import { runs, useContainerActions } from "../../app/actions";
import { useApp, type DetailTab } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { ErrorBoundary } from "../../components/ErrorBoundary";
import { Icon } from "../../components/Icon";
import { IconButton } from "../../components/IconButton";
import { Keys } from "../../components/Keys";
import { shape, stateText, StatusGlyph } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { span } from "../../format";
import type { Container } from "../../generated/types";
import { text } from "../../text";
import { EventTable } from "../activity/EventTable";
import { ContainerMenu } from "./ContainerRow";
import { LogsTab } from "./LogsTab";
import { OverviewTab } from "./OverviewTab";

// The terminal is a third of the program and not needed for the first frame.
const TerminalTab = lazy(() => import("./TerminalTab"));

const TABS: readonly DetailTab[] = ["overview", "terminal", "logs", "events"];

/** The pane of one container. */
export function ContainerDetail({ container }: { container: Container }) {
  const { place, go } = useApp();
  const actions = useContainerActions();
  const [terminalOpened, setTerminalOpened] = useState(place.tab === "terminal");
  const running = runs(container);
  const wide = place.wide;
  const choose = (tab: DetailTab) => {
    if (tab === "terminal") setTerminalOpened(true);
    go({ tab });
  };
  // A terminal that was opened lives on behind the other tabs.
  const keepTerminal = terminalOpened || place.tab === "terminal";

  return (
    <aside
      aria-label={text.detail.label(container.name)}
      data-testid="detail"
      className={`flex min-w-0 flex-col ${wide ? "flex-1" : "w-102 flex-none"} max-wide:w-auto max-wide:flex-1`}
    >
      <header className="flex h-12 flex-none items-center gap-2 pr-2 pl-4">
        <StatusGlyph shape={shape.container(container.state)} />
        <h2 className="truncate text-head" title={container.title}>
          {container.name}
        </h2>
        <StateLine container={container} />
        <div className="ml-auto flex items-center gap-1.5">
          {wide && <Acts container={container} actions={actions} running={running} />}
          <IconButton
            icon={wide ? "narrow" : "widen"}
            iconSize={15}
            label={wide ? text.detail.narrow : text.detail.widen}
            onClick={() => go({ wide: !wide })}
            className="max-wide:hidden"
          />
          <IconButton
            icon="close"
            label={text.common.close}
            keys={["Esc"]}
            onClick={() => go({ container: null, wide: false })}
          />
        </div>
      </header>
      {!wide && (
        <div className="flex flex-none items-center gap-2 px-4 py-1.5">
          <Acts container={container} actions={actions} running={running} />
        </div>
      )}
      <Tabs.Root
        value={place.tab}
        onValueChange={(tab) => choose(tab as DetailTab)}
        className="flex min-h-0 flex-1 flex-col"
      >
        <Tabs.List className="flex flex-none gap-5 border-b border-line px-4">
          {TABS.map((tab) => (
            <Tabs.Trigger key={tab} value={tab} className="tab">
              {text.detail.tabs[tab]}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content value="overview" className="min-h-0 flex-1 overflow-y-auto">
          <OverviewTab container={container} />
        </Tabs.Content>
        <Tabs.Content
          value="terminal"
          forceMount
          className="min-h-0 flex-1 data-[state=inactive]:hidden"
        >
          {keepTerminal && (
            <ErrorBoundary>
              <Suspense fallback={null}>
                <TerminalTab container={container} running={running} />
              </Suspense>
            </ErrorBoundary>
          )}
        </Tabs.Content>
        <Tabs.Content value="logs" className="flex min-h-0 flex-1 flex-col">
          <LogsTab container={container} />
        </Tabs.Content>
        <Tabs.Content value="events" className="min-h-0 flex-1 overflow-y-auto">
          <EventTable subject={container.name} compact={!wide} />
        </Tabs.Content>
      </Tabs.Root>
    </aside>
  );
}

function Acts({
  container,
  actions,
  running,
}: {
  container: Container;
  actions: ReturnType<typeof useContainerActions>;
  running: boolean;
}) {
  return (
    <>
      {running ? (
        <button
          type="button"
          className="btn btn-primary"
          onClick={() => actions.terminal(container)}
        >
          <Icon name="terminal" />
          {text.containers.terminal}
          <Keys keys={["T"]} />
        </button>
      ) : (
        <button type="button" className="btn btn-primary" onClick={() => actions.toggle(container)}>
          <Icon name="play" />
          {text.containers.start}
          <Keys keys={["S"]} />
        </button>
      )}
      <span className="flex-1" />
      {running && (
        <IconButton
          framed
          icon="stop"
          iconSize={13}
          label={text.containers.stop}
          keys={["S"]}
          onClick={() => actions.toggle(container)}
        />
      )}
      <IconButton
        framed
        icon="restart"
        label={text.containers.restart}
        keys={["R"]}
        onClick={() => actions.restart(container)}
      />
      <ContainerMenu framed container={container} actions={actions} />
    </>
  );
}

/** `Running for 2 h 14 min`. */
function StateLine({ container }: { container: Container }) {
  const now = useNow();
  // The list knows the state first, the detail since when.
  const { data } = useRead("show_container", { container: container.id }, { keepPrevious: true });
  const known = data?.state === container.state ? data : container;
  return (
    <span className={`truncate text-small ${stateText[container.state]}`} data-testid="state-line">
      {stateWords(known, now)}
    </span>
  );
}

function stateWords(container: Container, now: number): string {
  const words = text.detail;
  if (container.state === "running" && container.startedAt) {
    return words.running(span(now - Date.parse(container.startedAt)));
  }
  if (container.state === "failed") return words.failed(container.exitCode);
  if (container.state === "stopped" && container.finishedAt) {
    const past = now - Date.parse(container.finishedAt);
    return past < 60_000 ? words.stoppedNow : words.stopped(span(past));
  }
  return text.state[container.state];
}
