import type { Container, PortForward } from "../../generated/types";
import type { OperationName, Request, Response } from "../backend";
import { refuse } from "./refuse";

type Names = Extract<OperationName, "list_ports" | "forward_ports" | "stop_forwards">;

/** Ports of the fake containers: each listens on 3000. */
export class FakePorts {
  private forwards: PortForward[] = [];

  constructor(private readonly find: (reference: string) => Container) {}

  /** The forwards of a container. */
  of(reference: string): PortForward[] {
    const { name } = this.find(reference);
    return this.forwards.filter(({ container }) => container === name);
  }

  readonly handlers: { [K in Names]: (request: Request<K>) => Response<K> } = {
    list_ports: ({ container }) => {
      const names = container
        ? [this.find(container).name]
        : [...new Set(this.forwards.map((forward) => forward.container))];
      return {
        containers: names.map((name) => {
          const { id, state } = this.find(name);
          const running = state === "running";
          return {
            container: name,
            id,
            running,
            planned: [{ target: "3000", label: "web" }],
            listeners: running
              ? [
                  {
                    port: 3000,
                    address: "127.0.0.1",
                    process: "node",
                    command: "node server.js",
                    label: "web",
                  },
                ]
              : [],
            forwards: this.of(name),
            published: [],
          };
        }),
      };
    },
    forward_ports: ({ container, ports = [], automatic }) => {
      const { name } = this.find(container);
      for (const target of automatic ? [...ports, "3000"] : ports) {
        this.forwards.push({
          container: name,
          direction: "intoContainer",
          listen: `127.0.0.1:${target}`,
          target,
          url: `http://127.0.0.1:${target}/`,
          label: target === "3000" ? "web" : null,
          origin: automatic ? "configured" : "asked",
          process: 4711,
          note: null,
        });
      }
      return { forwards: this.of(name) };
    },
    stop_forwards: ({ container, port }) => {
      const stopped = this.of(container).filter(({ target }) => !port || target === port);
      if (stopped.length === 0) throw refuse("port.not_forwarded", "No such port is forwarded");
      this.forwards = this.forwards.filter((forward) => !stopped.includes(forward));
      return { stopped };
    },
  };
}
