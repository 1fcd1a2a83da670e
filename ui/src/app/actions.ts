import { useCallback } from "react";
import { problemOf } from "../backend/backend";
import { useChange } from "../backend/cache";
import { copyText } from "../components/clipboard";
import type { Container } from "../generated/types";
import { text } from "../text";
import { useApp, type JobOrigin } from "./app-state";

/** What can be done to a container, the same from rows, keys, menus and the palette. */
export interface ContainerActions {
  open: (container: Container) => void;
  terminal: (container: Container) => void;
  copySsh: (container: Container) => void;
  /** Starts what stands, stops what runs. */
  toggle: (container: Container) => void;
  restart: (container: Container) => void;
  rebuild: (container: Container) => void;
  remove: (container: Container) => void;
}

/** The line that logs in. */
export function sshLine(container: Pick<Container, "sshHost">): string {
  return `ssh ${container.sshHost}`;
}

/** True when stopping makes sense. */
export function runs(container: Pick<Container, "state">): boolean {
  return ["running", "paused", "restarting"].includes(container.state);
}

/** Asks for a job, remembers how it was asked for, and shows a failure to begin it. */
export function useBeginJob() {
  const { rememberOrigin, show } = useApp();
  const up = useChange("up");
  const start = useChange("start_container");
  const restart = useChange("restart_container");
  const rebuild = useChange("rebuild_container");
  const mutations = { up, start, restart, rebuild };

  return useCallback(
    async (origin: JobOrigin, title: string): Promise<string | null> => {
      try {
        const { job } = await begin(origin);
        rememberOrigin(job, origin);
        return job;
      } catch (error) {
        show({ kind: "problem", title, problem: problemOf(error) });
        return null;
      }

      function begin(origin: JobOrigin) {
        switch (origin.operation) {
          case "up":
            return mutations.up.mutateAsync(origin.request);
          case "start_container":
            return mutations.start.mutateAsync(origin.request);
          case "restart_container":
            return mutations.restart.mutateAsync(origin.request);
          case "rebuild_container":
            return mutations.rebuild.mutateAsync(origin.request);
        }
      }
    },
    [
      mutations.up.mutateAsync,
      mutations.start.mutateAsync,
      mutations.restart.mutateAsync,
      mutations.rebuild.mutateAsync,
      rememberOrigin,
      show,
    ],
  );
}

export function useContainerActions(): ContainerActions {
  const { go, show, toast } = useApp();
  const begin = useBeginJob();
  const stop = useChange("stop_container");
  return {
    open: (container) => go({ view: "containers", container: container.id }),
    terminal: (container) =>
      go({ view: "containers", container: container.id, tab: "terminal", wide: true }),
    copySsh: (container) => {
      const line = sshLine(container);
      void copyText(line).then((done) => {
        if (done) toast({ tone: "done", text: text.containers.copiedSsh(line) });
      });
    },
    toggle: (container) => {
      if (!runs(container)) {
        const origin: JobOrigin = {
          operation: "start_container",
          request: { container: container.id },
        };
        void begin(origin, text.job.failed(container.name));
        return;
      }
      stop.mutate(
        { container: container.id },
        {
          onError: (error) =>
            show({
              kind: "problem",
              title: text.job.failed(container.name),
              problem: problemOf(error),
            }),
        },
      );
    },
    restart: (container) =>
      void begin(
        { operation: "restart_container", request: { container: container.id } },
        text.job.failed(container.name),
      ),
    rebuild: (container) => show({ kind: "rebuild", container }),
    remove: (container) => show({ kind: "remove", container }),
  };
}
