import { useCallback } from "react";
import { problemOf, type OperationName, type Request, type Response } from "../backend/backend";
import { useChange } from "../backend/cache";
import { copyText } from "../components/clipboard";
import type { Container, JobRef } from "../generated/types";
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
  const { mutateAsync: up } = useChange("up");
  const { mutateAsync: start } = useChange("start_container");
  const { mutateAsync: restart } = useChange("restart_container");
  const { mutateAsync: rebuild } = useChange("rebuild_container");

  return useCallback(
    async (origin: JobOrigin, title: string): Promise<string | null> => {
      try {
        const { job } = await ask(origin, { up, start, restart, rebuild });
        rememberOrigin(job, origin);
        return job;
      } catch (error) {
        show({ kind: "problem", title, problem: problemOf(error) });
        return null;
      }
    },
    [up, start, restart, rebuild, rememberOrigin, show],
  );
}

type Ask<K extends OperationName> = (request: Request<K>) => Promise<Response<K>>;

function ask(
  origin: JobOrigin,
  by: {
    up: Ask<"up">;
    start: Ask<"start_container">;
    restart: Ask<"restart_container">;
    rebuild: Ask<"rebuild_container">;
  },
): Promise<JobRef> {
  switch (origin.operation) {
    case "up":
      return by.up(origin.request);
    case "start_container":
      return by.start(origin.request);
    case "restart_container":
      return by.restart(origin.request);
    case "rebuild_container":
      return by.rebuild(origin.request);
  }
}

export function useContainerActions(): ContainerActions {
  const { go, show, toast } = useApp();
  const begin = useBeginJob();
  const stop = useChange("stop_container");
  return {
    open: (container) => go({ view: "containers", container: container.id }),
    terminal: (container) => {
      // Whoever asks for a terminal wants to type in it: the row gives the keys away.
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      go({ view: "containers", container: container.id, tab: "terminal", wide: true });
    },
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
