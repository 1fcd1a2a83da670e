import * as Tooltip from "@radix-ui/react-tooltip";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { problemOf } from "../backend/backend";
import { useChanges } from "../backend/cache";
import { useBackend, useDesktop } from "../backend/context";
import { ErrorBoundary } from "../components/ErrorBoundary";
import { ProblemView } from "../components/ProblemView";
import { ActivityView } from "../features/activity/ActivityView";
import { ContainersView } from "../features/containers/ContainersView";
import { HostsView } from "../features/hosts/HostsView";
import { SecretsView } from "../features/secrets/SecretsView";
import { SettingsView } from "../features/settings/SettingsView";
import { SshView } from "../features/ssh/SshView";
import type { Change, Problem } from "../generated/types";
import { text } from "../text";
import { useApp } from "./app-state";
import { jobTitle } from "./JobsIndicator";
import { Overlays } from "./Overlays";
import { Sidebar } from "./Sidebar";
import { TitleBar } from "./TitleBar";
import { Toasts } from "./Toasts";
import { useShortcuts } from "./useShortcuts";

/** The window: it opens in any case, and says why when the core behind it does not. */
export function App() {
  const backend = useBackend();
  const [attempt, setAttempt] = useState(0);
  const startup = useQuery({
    queryKey: ["startup", attempt],
    queryFn: async () => {
      await backend.startup(attempt > 0);
      return true;
    },
  });
  return (
    <Tooltip.Provider delayDuration={500} skipDelayDuration={200}>
      {startup.isSuccess ? (
        <Window />
      ) : (
        startup.error && (
          <StartupProblem
            problem={problemOf(startup.error)}
            onAgain={() => setAttempt(attempt + 1)}
          />
        )
      )}
    </Tooltip.Provider>
  );
}

function Window() {
  const { place, overlay } = useApp();
  useShortcuts();
  useJobToasts();
  useDroppedFolders();
  return (
    <div className="flex h-full flex-col">
      <TitleBar />
      <div className="flex min-h-0 flex-1 max-row:flex-col-reverse">
        <Sidebar />
        <main className="mr-2 mb-2 flex min-h-0 min-w-0 flex-1 overflow-hidden rounded-panel border border-line bg-panel max-row:mx-2">
          <ErrorBoundary key={place.view}>
            <CurrentView />
          </ErrorBoundary>
        </main>
      </div>
      <ErrorBoundary key={overlay ? "overlay" : "none"}>
        <Overlays />
      </ErrorBoundary>
      <Toasts />
    </div>
  );
}

function CurrentView() {
  const { place } = useApp();
  switch (place.view) {
    case "containers":
      return <ContainersView />;
    case "hosts":
      return <HostsView />;
    case "ssh":
      return <SshView />;
    case "secrets":
      return <SecretsView />;
    case "activity":
      return <ActivityView />;
    case "settings":
      return <SettingsView />;
  }
}

/** Says what ended while nobody was looking at it. */
function useJobToasts(): void {
  const { overlay, toast } = useApp();
  const watched = useRef<string | null>(null);
  useEffect(() => {
    watched.current = overlay?.kind === "job" ? overlay.job : null;
  }, [overlay]);
  const told = useRef(new Set<string>());

  const onChange = useCallback(
    (change: Change) => {
      if (change.type !== "job" || change.job.state === "running") return;
      const { job } = change;
      if (told.current.has(job.id) || watched.current === job.id) return;
      told.current.add(job.id);
      if (job.state === "failed") {
        toast({
          tone: "failed",
          text: text.job.failed(jobTitle(job)),
          opens: { kind: "job", job: job.id },
        });
      } else if (job.state === "done" && ["up", "rebuild_container"].includes(job.operation)) {
        // That a row now says Running needs no words.
        toast({ tone: "done", text: text.job.done(job.subject) });
      }
    },
    [toast],
  );
  useChanges(onChange);
}

/** A folder that is dropped anywhere on the window becomes the source of a new container. */
function useDroppedFolders(): void {
  const desktop = useDesktop();
  const { show } = useApp();
  useEffect(
    () =>
      desktop?.onDrop(([folder]) => {
        if (folder) show({ kind: "create", source: folder });
      }),
    [desktop, show],
  );
}

function StartupProblem({ problem, onAgain }: { problem: Problem; onAgain: () => void }) {
  const desktop = useDesktop();
  return (
    <div className="flex h-full flex-col" data-testid="startup-problem">
      <div className="h-10 flex-none" data-tauri-drag-region />
      <main className="mx-2 mb-2 flex flex-1 justify-center overflow-y-auto rounded-panel border border-line bg-panel px-4 py-[9vh]">
        <div className="w-full max-w-150">
          <h1 className="mb-4 text-hero">{text.startup.title}</h1>
          <ProblemView
            problem={problem}
            actions={
              <>
                <button type="button" className="btn btn-primary" onClick={onAgain}>
                  {text.startup.again}
                </button>
                {desktop && (
                  <button type="button" className="btn" onClick={desktop.close}>
                    {text.shell.closeWindow}
                  </button>
                )}
              </>
            }
          />
        </div>
      </main>
    </div>
  );
}
