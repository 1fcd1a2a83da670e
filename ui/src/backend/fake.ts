import type { Operations, Streams } from "../generated/operations";
import type { Change, Container, Host, Job, JobUpdate, Problem, Setting } from "../generated/types";
import {
  BackendError,
  type Backend,
  type Desktop,
  type Listener,
  type OperationName,
  type Request,
  type Response,
  type Stop,
  type StreamName,
} from "./backend";
import * as data from "./fake/data";
import { FakeIdle } from "./fake/idle";
import { FakeKeys } from "./fake/keys";
import { FakeLife } from "./fake/life";
import { FakeLooking } from "./fake/looking";
import { FakePorts } from "./fake/ports";
import { refuse, sceneRefusal } from "./fake/refuse";
import { FakeSecrets } from "./fake/secrets";
import { FakeStorage } from "./fake/storage";
import { FakeTrust } from "./fake/trust";

type Handlers = {
  [K in OperationName]: (request: Request<K>) => Response<K>;
};
type Openers = {
  [K in StreamName]: (
    request: Streams[K]["request"],
    listener: Listener<Streams[K]["item"]>,
  ) => Stop;
};

/** What a fake backend begins with. */
export type Scene =
  | "full"
  | "empty"
  | "engine-down"
  | "startup"
  | "loading"
  | "thousands"
  | "failed"
  | "working"
  | "rotating"
  | "locked"
  | "unreadable";

/** A job of the fake, with those who follow it. */
interface FakeJob {
  job: Job;
  lines: string[];
  followers: Set<(update: JobUpdate) => void>;
}

const nothing = () => undefined;

/** A core in memory: for component tests, and for looking at the interface without an engine. */
export class FakeBackend implements Backend {
  containers: Container[];
  hosts: Host[];
  installed = false;
  /** Every call, so that a test can see what was asked for. */
  readonly calls: { name: OperationName; request: unknown }[] = [];
  /** A refusal for the next call of an operation. */
  readonly refusals = new Map<OperationName, Problem>();
  desktop: Desktop | null;

  private settings: Setting[] = [...data.SETTINGS];
  readonly trust: FakeTrust;
  readonly idle: FakeIdle;
  readonly keys: FakeKeys;
  readonly secrets: FakeSecrets;
  private readonly jobs = new Map<string, FakeJob>();
  private readonly listeners = new Set<(change: Change) => void>();

  constructor(readonly scene: string = "full") {
    const none = ["empty", "engine-down"].includes(scene);
    this.trust = new FakeTrust(scene);
    this.idle = new FakeIdle(() => this.containers);
    this.keys = new FakeKeys(scene);
    this.secrets = new FakeSecrets(scene);
    this.containers = none ? [] : scene === "thousands" ? data.thousands() : [...data.CONTAINERS];
    this.hosts = data.HOSTS.slice(0, none ? 1 : undefined);
    if (scene === "engine-down") this.setEngine(false);
    if (scene === "failed") this.addJob("rebuild_container", "notebook-eda", 4, data.BUILD_PROBLEM);
    if (scene === "working") this.addJob("up", "ledger-sync", 4);
    this.desktop = {
      pickFolder: () => Promise.resolve("/home/wren/src/ledger-sync"),
      onDrop: () => nothing,
      minimize: nothing,
      toggleMaximize: nothing,
      close: nothing,
    };
  }

  startup(again: boolean): Promise<void> {
    return this.scene === "startup" && !again
      ? Promise.reject(new BackendError(data.STARTUP_PROBLEM))
      : Promise.resolve();
  }

  call<K extends OperationName>(name: K, request: Request<K>): Promise<Response<K>> {
    this.calls.push({ name, request });
    if (this.scene === "loading") return new Promise(nothing);
    const refusal = this.refusals.get(name) ?? sceneRefusal(this.scene, name, this.secrets.locked);
    if (refusal) {
      this.refusals.delete(name);
      return Promise.reject(new BackendError(refusal));
    }
    try {
      return Promise.resolve(this.answers()[name](request));
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  listen<K extends StreamName>(
    name: K,
    request: Streams[K]["request"],
    listener: Listener<Streams[K]["item"]>,
  ): Stop {
    let live = true;
    let stop: Stop = nothing;
    queueMicrotask(() => {
      if (!live) return;
      stop = this.openers[name](request, {
        onItem: (item) => live && listener.onItem(item),
        onEnd: (problem) => live && listener.onEnd?.(problem),
      });
    });
    return () => {
      live = false;
      stop();
    };
  }

  /** Tells every window of a change. */
  tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }

  /** Changes a container and tells of it, as the engine's events do. */
  patch(name: string, change: Partial<Container>): void {
    const container = this.containers.find((container) => container.name === name);
    if (!container) return;
    this.containers = this.containers.map((other) =>
      other === container ? { ...other, ...change } : other,
    );
    this.tell({ type: "container", id: container.id });
  }

  /** Takes the engine of this computer away, or brings it back. */
  setEngine(up: boolean): void {
    this.hosts = this.hosts.map((host) =>
      host.current
        ? {
            ...host,
            state: up ? "ready" : "noSocket",
            engine: up ? "Docker Engine 28.3" : null,
            detail: up ? null : "/var/run/docker.sock is not there",
          }
        : host,
    );
    const [host] = this.hosts;
    if (host) this.tell({ type: "host", host });
  }

  /** A running job whose first steps are done; with a problem it has failed there. */
  addJob(
    operation: string,
    subject: string,
    doneSteps: number,
    problem: Problem | null = null,
  ): string {
    const id = `job-${this.jobs.size + 1}`;
    const job: Job = {
      id,
      operation,
      subject,
      state: problem ? "failed" : "running",
      steps: data.STEPS.map((step, index) => ({
        ...step,
        state:
          index < doneSteps
            ? "done"
            : index > doneSteps
              ? "waiting"
              : problem
                ? "failed"
                : "running",
      })),
      startedAt: data.before(21_800),
      finishedAt: problem ? data.before(0) : null,
      problem,
      result: null,
      cancelEffect: "Cancel removes what was made, keeps the image cache",
    };
    this.jobs.set(id, { job, lines: [...data.BUILD_LOG], followers: new Set() });
    return id;
  }

  /** Ends a job: well, or with a problem. */
  endJob(id: string, problem: Problem | null = null): void {
    const entry = this.jobs.get(id);
    if (!entry) return;
    const state = problem ? "failed" : "done";
    entry.job = {
      ...entry.job,
      state,
      problem,
      finishedAt: data.before(0),
      steps: entry.job.steps.map((step) => ({ ...step, state: problem ? step.state : "done" })),
    };
    if (!problem && entry.job.operation === "up") this.addContainer(entry.job.subject);
    this.toldJob(entry);
  }

  private addContainer(name: string): void {
    const [first] = data.CONTAINERS;
    if (!first || this.containers.some((container) => container.name === name)) return;
    const id = name.padEnd(64, "f");
    this.containers = [
      { ...first, id, name, title: name, sshHost: `${name}.devctl` },
      ...this.containers,
    ];
    this.tell({ type: "container", id });
  }

  private toldJob(entry: FakeJob): void {
    for (const follower of entry.followers) follower({ type: "job", job: entry.job });
    this.tell({ type: "job", job: entry.job });
  }

  private begin(operation: string, subject: string): { job: string } {
    const job = this.addJob(operation, subject, 0);
    queueMicrotask(() => this.tell({ type: "resync" }));
    return { job };
  }

  private container(reference: string): Container {
    const found = this.containers.find(({ id, name }) => id === reference || name === reference);
    if (!found) throw refuse("container.not_found", `There is no container ${reference}`);
    return found;
  }

  private jobOf(id: string): FakeJob {
    const found = this.jobs.get(id);
    if (!found) throw refuse("job.not_found", `There is no job ${id}`);
    return found;
  }

  private readonly looking = new FakeLooking();

  private answers(): Handlers {
    return {
      ...this.handlers,
      ...this.life.handlers,
      ...this.ports.handlers,
      ...this.storage.handlers,
      ...this.trust.handlers,
      ...this.idle.handlers,
      ...this.keys.handlers,
      ...this.secrets.handlers,
      ...this.looking.handlers,
    };
  }

  private readonly storage = new FakeStorage((operation, subject) =>
    this.begin(operation, subject),
  );

  private readonly life = new FakeLife({
    find: (reference) => this.container(reference),
    patch: (name, changed) => this.patch(name, changed),
    drop: (id) => {
      this.containers = this.containers.filter((other) => other.id !== id);
      this.tell({ type: "container", id });
    },
    begin: (operation, subject) => this.begin(operation, subject),
  });

  private readonly ports = new FakePorts((reference) => this.container(reference));

  private readonly handlers: Omit<
    Handlers,
    | keyof FakeLife["handlers"]
    | keyof FakePorts["handlers"]
    | keyof FakeStorage["handlers"]
    | keyof FakeTrust["handlers"]
    | keyof FakeKeys["handlers"]
    | keyof FakeSecrets["handlers"]
    | keyof FakeLooking["handlers"]
    | keyof FakeIdle["handlers"]
  > = {
    list_containers: () => ({
      containers: this.containers,
      unreachable: this.hosts.filter((host) => host.state !== "ready"),
    }),
    show_container: ({ container }) => data.detailOf(this.container(container)),
    inspect_source: ({ source, config }) => {
      if (source.startsWith("/nowhere")) {
        throw refuse("folder.not_found", `There is no folder ${source}`);
      }
      return data.sourceInfo(source, config);
    },
    up: ({ source, name }) => this.begin("up", name ?? data.sourceInfo(source, undefined).name),
    start_container: ({ container }) => {
      const { name } = this.container(container);
      this.patch(name, { state: "running", startedAt: data.before(0), finishedAt: null });
      return this.begin("start_container", name);
    },
    stop_container: ({ container }) => {
      const { name } = this.container(container);
      this.patch(name, { state: "stopped", finishedAt: data.before(0) });
      return { name, changed: true };
    },
    restart_container: ({ container }) =>
      this.begin("restart_container", this.container(container).name),
    preview_rebuild: ({ container }) => ({
      name: this.container(container).name,
      lost: ["/etc/hosts.extra", "/home/dev/.bash_history", "/usr/local/bin/tool"],
      lostCount: 214,
      kept: ["The folder /home/wren/src/atlas-api", "Volume atlas-cargo"],
    }),
    rebuild_container: ({ container }) =>
      this.begin("rebuild_container", this.container(container).name),
    remove_container: ({ container, volumes, dryRun }) => {
      const { id, name, workspace } = this.container(container);
      if (!dryRun) {
        this.containers = this.containers.filter((other) => other.id !== id);
        this.tell({ type: "container", id });
      }
      return {
        name,
        id,
        networks: [`devctl-${name}`],
        volumes: volumes ? ["atlas-cargo"] : [],
        keptVolumes: volumes ? [] : ["atlas-cargo"],
        keptFolder: workspace,
      };
    },
    read_config: () => ({}),
    list_jobs: () => ({ jobs: [...this.jobs.values()].map(({ job }) => job).toReversed() }),
    show_job: ({ job }) => this.jobOf(job).job,
    cancel_job: ({ job }) => {
      const entry = this.jobOf(job);
      entry.job = { ...entry.job, state: "cancelled", finishedAt: data.before(0) };
      this.toldJob(entry);
      return { changed: true };
    },
    list_events: ({ subject }) => ({
      events: data.EVENTS.filter((event) => !subject || event.subject === subject).toReversed(),
    }),
    list_hosts: () => ({ hosts: this.hosts }),
    list_settings: () => ({ settings: this.settings }),
    get_setting: ({ key }) => this.setting(key),
    set_setting: ({ key, value }) => {
      const old = this.setting(key);
      const setting = { ...old, value: value ?? old.default };
      this.settings = this.settings.map((other) => (other.key === key ? setting : other));
      this.tell({ type: "setting", key });
      return setting;
    },
    run_doctor: () => data.doctorReport(this.hosts.every((host) => host.state !== "ready")),
    show_key: () => data.KEY,
    ssh_status: () => ({
      installed: this.installed,
      userConfig: "/home/wren/.ssh/config",
      ourConfig: "/home/wren/.ssh/devctl/config",
      includeLine: data.installPlan(true).includeLine,
      hosts: this.containers.map((container) => container.sshHost),
      problem: null,
      certificate: data.CERTIFICATE,
      damage: this.scene === "rotating" ? [data.DAMAGE] : [],
      editorConfig: null,
    }),
    explain_ssh_host: ({ host }) => data.linesOf(host),
    plan_ssh_install: () => data.installPlan(this.installed),
    install_ssh: () => this.setInstalled(true),
    uninstall_ssh: () => this.setInstalled(false),
    show_ssh_config: () => ({ text: data.SSH_CONFIG, path: "/home/wren/.ssh/devctl/config" }),
    write_terminal: () => ({ changed: true }),
    resize_terminal: () => ({ changed: true }),
    close_terminal: () => ({ changed: true }),
  };

  private readonly openers: Openers = {
    changes: (_request, listener) => {
      this.listeners.add(listener.onItem);
      return () => this.listeners.delete(listener.onItem);
    },
    follow_job: ({ job: id }, listener) => {
      const entry = this.jobs.get(id);
      if (!entry) {
        listener.onEnd?.(refuse("job.not_found", `There is no job ${id}`).problem);
        return nothing;
      }
      listener.onItem({ type: "job", job: entry.job });
      listener.onItem({
        type: "log",
        lines: entry.lines.map((text, number) => ({
          number,
          at: data.before((entry.lines.length - number) * 1100),
          step: 4,
          stream: text.includes("W:") ? "stderr" : "stdout",
          text,
        })),
      });
      entry.followers.add(listener.onItem);
      return () => entry.followers.delete(listener.onItem);
    },
    follow_logs: ({ container }, listener) => {
      const { name } = this.container(container);
      const lines = Array.from({ length: 1204 }, (_, index) => ({
        at: data.before((1204 - index) * 1000),
        stream: "stdout" as const,
        text: `${name} request ${index} GET /v1/search 200 in ${(index * 7) % 90} ms`,
      }));
      listener.onItem({ lines });
      return nothing;
    },
    follow_stats: ({ containers }, listener) => this.looking.follow(containers, listener),
    follow_ports: ({ container }, listener) => {
      for (const forward of this.ports.of(container)) {
        listener.onItem({ kind: "forwarded", forward, tell: true, open: false });
      }
      return nothing;
    },
    open_terminal: (_request, listener) => {
      listener.onItem({ type: "opened", terminal: "t-1" });
      listener.onItem({ type: "data", base64: btoa(data.TERMINAL_TEXT) });
      return nothing;
    },
  };

  private setting(key: string): Setting {
    const found = this.settings.find((setting) => setting.key === key);
    if (!found) throw refuse("setting.unknown", `There is no setting ${key}`);
    return found;
  }

  private setInstalled(installed: boolean): Operations["install_ssh"]["response"] {
    const plan = data.installPlan(this.installed);
    this.installed = installed;
    return plan;
  }
}
