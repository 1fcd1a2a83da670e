import type { Container } from "../../generated/types";
import type { OperationName, Request, Response } from "../backend";
import { refuse } from "./refuse";

type Names = Extract<
  OperationName,
  | "pause_container"
  | "unpause_container"
  | "kill_container"
  | "rename_container"
  | "recreate_container"
  | "show_drift"
  | "adopt_container"
  | "forget_container"
  | "clone_container"
  | "prune_containers"
>;

/** What the fake containers are reached by. */
export interface Reach {
  find: (reference: string) => Container;
  patch: (name: string, changed: Partial<Container>) => void;
  drop: (id: string) => void;
  begin: (operation: string, subject: string) => { job: string };
}

/** What is done with a container between its making and its end. */
export class FakeLife {
  constructor(private readonly reach: Reach) {}

  private become(reference: string, state: Container["state"]): { name: string; changed: boolean } {
    const { name, state: before } = this.reach.find(reference);
    this.reach.patch(name, { state });
    return { name, changed: before !== state };
  }

  readonly handlers: { [K in Names]: (request: Request<K>) => Response<K> } = {
    pause_container: ({ container }) => this.become(container, "paused"),
    unpause_container: ({ container }) => this.become(container, "running"),
    kill_container: ({ container, signal }) => ({
      name: this.become(container, "stopped").name,
      signal: signal ?? "SIGKILL",
    }),
    rename_container: ({ container, name }) => {
      const { name: oldName } = this.reach.find(container);
      const sshHost = `${name}.devctl`;
      this.reach.patch(oldName, { name, sshHost });
      return { name, oldName, sshHost, changed: name !== oldName };
    },
    recreate_container: ({ container }) =>
      this.reach.begin("recreate_container", this.reach.find(container).name),
    show_drift: ({ container }) => ({
      name: this.reach.find(container).name,
      fields: [],
      cost: null,
      command: null,
    }),
    clone_container: ({ container, name }) =>
      this.reach.begin("clone_container", name ?? `${this.reach.find(container).name}-2`),
    prune_containers: () => ({ gone: [], failed: [], networks: [] }),
    adopt_container: ({ container }) => {
      throw refuse("container.not_found", `No engine has a container ${container}`);
    },
    forget_container: ({ container }) => {
      const { id, name } = this.reach.find(container);
      this.reach.drop(id);
      return { name, id, stillThere: false };
    },
  };
}
