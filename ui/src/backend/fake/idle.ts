import type { Container, IdleInfo, ServiceInfo } from "../../generated/types";
import type { OperationName, Request, Response } from "../backend";
import { before } from "./data";

const MINUTE = 60_000;

type Names = Extract<OperationName, "list_idle" | "set_idle" | "keep_awake" | `${string}_service`>;

/** Idle containers and the background service of the fake. */
export class FakeIdle {
  private readonly own = new Map<string, number>();
  private readonly awake = new Map<string, string>();
  private installed = false;

  constructor(private readonly containers: () => readonly Container[]) {}

  readonly handlers: { [K in Names]: (request: Request<K>) => Response<K> } = {
    list_idle: () => ({
      containers: this.containers().map((container) => this.info(container)),
      watched: true,
    }),
    set_idle: ({ container, stopAfterMinutes }) => {
      const found = this.find(container);
      if (stopAfterMinutes === undefined || stopAfterMinutes === null) this.own.delete(found.name);
      else this.own.set(found.name, stopAfterMinutes);
      return this.info(found);
    },
    keep_awake: ({ container, minutes }) => {
      const found = this.find(container);
      if (minutes === 0) this.awake.delete(found.name);
      else this.awake.set(found.name, before(-(minutes * MINUTE)));
      return this.info(found);
    },
    show_service: () => this.service(false),
    install_service: () => {
      const changed = !this.installed;
      this.installed = true;
      return this.service(changed);
    },
    uninstall_service: () => {
      const changed = this.installed;
      this.installed = false;
      return this.service(changed);
    },
  };

  private find(reference: string): Container {
    const found = this.containers().find(({ id, name }) => id === reference || name === reference);
    if (!found) throw new Error(`no container ${reference}`);
    return found;
  }

  private info(container: Container): IdleInfo {
    const runs = container.state === "running";
    const own = this.own.get(container.name);
    const minutes = own ?? 45;
    const awakeUntil = this.awake.get(container.name) ?? null;
    const idle = runs && awakeUntil === null;
    return {
      container: container.name,
      state: !runs ? "stopped" : awakeUntil === null ? "idle" : "keptAwake",
      stopAfterMinutes: minutes === 0 ? null : minutes,
      ownRule: own !== undefined,
      idleSince: runs ? before(12 * MINUTE) : null,
      awakeUntil,
      stopsAt: idle && minutes > 0 ? before(-((minutes - 12) * MINUTE)) : null,
    };
  }

  private service(changed: boolean): ServiceInfo {
    return {
      installed: this.installed,
      kind: "systemd",
      file: "/home/wren/.config/systemd/user/devctl.service",
      pid: this.installed ? 4711 : null,
      watchedBy: this.installed ? "service" : "desktop",
      changed,
    };
  }
}
