import type {
  CertificateInfo,
  Container,
  ContainerDetail,
  ContainerState,
  DoctorReport,
  EventRecord,
  Host,
  KeyInfo,
  Problem,
  Setting,
  SourceInfo,
  SshDamage,
  SshHostLines,
  SshInstallPlan,
  Step,
  TrustSheet,
} from "../../generated/types";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A moment that lies so many milliseconds back, or ahead when negative. */
export function before(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}

export const HOSTS: readonly Host[] = [
  {
    name: "default",
    source: "/var/run/docker.sock",
    url: "unix:///var/run/docker.sock",
    current: true,
    state: "ready",
    engine: "Docker Engine 28.3",
    apiVersion: "1.51",
    detail: null,
  },
  {
    name: "forge",
    source: "Podman socket",
    url: "unix:///run/user/1000/podman/podman.sock",
    current: false,
    state: "ready",
    engine: "Podman 5.6, rootless",
    apiVersion: "1.41",
    detail: null,
  },
  {
    name: "attic",
    source: "docker context attic",
    url: "tcp://attic.lan:2376",
    current: false,
    state: "notAnswering",
    engine: null,
    apiVersion: null,
    detail: "connect to attic.lan:2376: no answer within 2 s",
  },
];

type Sketch = [
  name: string,
  host: string,
  state: ContainerState,
  image: string,
  ports: number[],
  since: number,
];

const SKETCHES: readonly Sketch[] = [
  ["atlas-api", "default", "running", "atlas/rust:1.91", [3000, 9090], 134 * MINUTE],
  ["atlas-web", "default", "running", "atlas/node:22", [5173], 2 * MINUTE],
  ["ledger-db", "default", "running", "postgres:17", [5432], 12 * MINUTE],
  ["protoc-lab", "default", "restarting", "golang:1.25", [], 0],
  ["docs-site", "default", "paused", "node:22-alpine", [], 3 * HOUR],
  ["notebook-eda", "default", "failed", "python:3.13-slim", [], DAY],
  ["search-index", "forge", "running", "atlas/rust:1.91", [7700], 20 * MINUTE],
  ["mobile-bff", "forge", "running", "atlas/node:22", [], 41 * MINUTE],
  ["billing-etl", "forge", "stopped", "atlas/py:3.13", [], 6 * DAY],
  ["fuzz-parser", "forge", "running", "atlas/rust:1.91", [], 4 * HOUR],
  ["legacy-portal", "attic", "unknown", "registry.example.org/portal/php:8.2-apache", [], 9 * DAY],
  ["wiki-import", "attic", "unknown", "atlas/py:3.13", [], 23 * DAY],
];

export const CONTAINERS: readonly Container[] = SKETCHES.map(sketched);

/** Many containers, for scrolling. */
export function thousands(): Container[] {
  return Array.from({ length: 10_000 }, (_, index) => {
    const sketch = SKETCHES[index % 4];
    if (!sketch) throw new Error("there are sketches");
    const [, ...rest] = sketch;
    return sketched([`${sketch[0]}-${index}`, ...rest], index);
  });
}

function sketched([name, host, state, image, ports, since]: Sketch, index: number): Container {
  const live = ["running", "paused", "restarting"].includes(state);
  return {
    id: (index + 1).toString(16).padStart(8, "c0de").padEnd(64, "0"),
    name,
    title: name,
    state,
    workspace: `/home/wren/src/${name}`,
    workspaceExists: name !== "billing-etl",
    image,
    sshHost: `${name}.devctl`,
    host,
    createdAt: before(since + 11 * DAY),
    startedAt: before(since),
    finishedAt: live ? null : before(since),
    exitCode: state === "failed" ? 100 : null,
    ports: ports.map((port) => ({
      containerPort: port,
      hostIp: "127.0.0.1",
      hostPort: port,
      protocol: "tcp",
    })),
    status: "",
  };
}

export function detailOf(container: Container): ContainerDetail {
  return {
    ...container,
    remoteUser: "dev",
    remoteWorkspaceFolder: `/workspaces/${container.name}`,
    configFile: `${container.workspace}/.devcontainer/devcontainer.json`,
    configChanged: container.name === "atlas-api",
    mounts: [
      {
        kind: "bind",
        source: container.workspace ?? "",
        target: `/workspaces/${container.name}`,
        readOnly: false,
      },
      { kind: "volume", source: "atlas-cargo", target: "/usr/local/cargo", readOnly: false },
      { kind: "bind", source: "/home/wren/.kube", target: "/home/dev/.kube", readOnly: true },
    ],
    networks: [`devctl-${container.name}`],
    environment: {
      RUST_LOG: "atlas=debug",
      DATABASE_URL: "••••••••••",
      PATH: "/usr/local/cargo/bin:/usr/local/bin:/usr/bin:/bin",
      LANG: "C.UTF-8",
      CARGO_HOME: "/usr/local/cargo",
      ATLAS_REGION: "eu-1",
    },
    profile: "standard",
    memoryLimit: 4 * 1024 ** 3,
    cpuLimit: 4,
    outOfMemory: false,
  };
}

export const CERTIFICATE: CertificateInfo = {
  serial: 10482,
  keyId: "wren",
  principals: ["owner-wren"],
  validAfter: before(4 * HOUR),
  validBefore: before(-(7 * HOUR + 42 * MINUTE)),
  renewAt: before(-3 * HOUR),
  valid: true,
  authority: "SHA256:T02nqk5cJ4yTq1oVw2mE0v3Gd8bJcY7rX1pLrwVwYvB",
};

export const KEY: KeyInfo = {
  algorithm: "ssh-ed25519",
  fingerprint: "SHA256:mQ4cYp1bR8nS0uWv3xZ5aB7dE9fG2hJ4kL6mN8pQt0Ws",
  publicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFakeKeyForTheGallery wren",
  path: "/home/wren/.ssh/devctl/id_ed25519",
  certificate: CERTIFICATE,
};

const INCLUDE = 'Include "~/.ssh/devctl/config"';

export const SSH_CONFIG = `Match originalhost *.devctl exec "devctl ssh-renew"
Host *.devctl
  User dev
  ProxyCommand devctl ssh-proxy %n %r
  IdentityFile "~/.ssh/devctl/id_ed25519"
  IdentitiesOnly yes
  UserKnownHostsFile "~/.ssh/devctl/known_hosts"
  StrictHostKeyChecking yes
`;

export function installPlan(already: boolean): SshInstallPlan {
  return {
    path: "/home/wren/.ssh/config",
    already,
    diff: already
      ? ""
      : `--- a/config\n+++ b/config\n@@ -1,4 +1,6 @@\n+${INCLUDE}\n+\n Host bastion\n   User ops\n   HostName 10.1.0.4\n \n`,
    backup: already ? null : "/home/wren/.ssh/config.devctl-backup",
    blocked: null,
    includeLine: INCLUDE,
    editor: null,
  };
}

export const DAMAGE: SshDamage = {
  tool: "DevPod",
  file: "/home/wren/.ssh/config",
  line: 41,
  what: "it left the start of its block and lost the end",
  fix: "Remove the lines from “# DevPod Start” on",
};

export function linesOf(host: string): SshHostLines {
  const file = "/home/wren/.ssh/devctl/config";
  const ours = host.endsWith(".devctl");
  return {
    lines: ours
      ? [
          { keyword: "user", value: "dev", file, line: 3 },
          { keyword: "proxycommand", value: "devctl ssh-proxy %n %r", file, line: 4 },
        ]
      : [],
    conditional: [],
    remarks: [],
  };
}

export const TRUST: TrustSheet = {
  hash: "9f2c77a1b05e4d6c8f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b3c41ab",
  allowed: false,
  items: [
    {
      kind: "hostCommand",
      title: "Runs on this computer",
      key: "initializeCommand",
      value: "./scripts/certs.sh && docker network create atlas",
      consequence: "Before the container exists, as you, with your files.",
      origin: "/home/wren/src/ledger-sync/.devcontainer/devcontainer.json:14",
    },
    {
      kind: "privileged",
      title: "Privileged",
      key: "privileged",
      value: "true",
      consequence: "Full access to the kernel and devices of this computer.",
      origin: "/home/wren/src/ledger-sync/.devcontainer/devcontainer.json:31",
    },
    {
      kind: "mount",
      title: "Bind mount, read and write",
      key: "mounts[1]",
      value: "~/.kube → /home/dev/.kube",
      consequence: "Code in the container can change your cluster logins.",
      origin: "/home/wren/src/ledger-sync/.devcontainer/devcontainer.json:22",
    },
    {
      kind: "capability",
      title: "Added capability",
      key: "capAdd",
      value: "SYS_PTRACE",
      consequence: "Needed by debuggers. Sees every process in the container.",
      origin: "/home/wren/src/ledger-sync/.devcontainer/devcontainer.json:18",
    },
    {
      kind: "hostVariable",
      title: "Reads a variable of yours",
      key: "remoteEnv",
      value: "${localEnv:REGISTRY_TOKEN}",
      consequence: "Value is passed to processes, never stored or logged.",
      origin: "/home/wren/src/ledger-sync/.devcontainer/devcontainer.json:27",
    },
  ],
};

/** What a folder or an image would become. */
export function sourceInfo(source: string, config: string | undefined): SourceInfo {
  const image = !source.startsWith("/") && !source.startsWith("~");
  const name = (source.split("/").findLast(Boolean) ?? "container").replace(/[^a-z0-9]+/gi, "-");
  const asks = source.includes("ledger");
  const choices = [
    {
      path: `${source}/.devcontainer/devcontainer.json`,
      label: ".devcontainer/devcontainer.json",
      name: null,
    },
    {
      path: `${source}/.devcontainer/gpu/devcontainer.json`,
      label: ".devcontainer/gpu/devcontainer.json",
      name: null,
    },
  ];
  return {
    kind: image ? "image" : "folder",
    source,
    configs: image ? [] : asks ? choices : choices.slice(0, 1),
    config: image ? null : (config ?? choices[0]?.path ?? null),
    summary: image ? "its volume becomes the workspace" : "Dockerfile rust:1.91-bookworm, 2 hooks",
    name,
    sshHost: `${name}.devctl`,
    trust: asks ? TRUST : { items: [], hash: "e3b0c442".repeat(8), allowed: true },
    existing: null,
    problem: null,
    notices: [],
  };
}

export const STEPS: readonly Step[] = [
  step("Read configuration", "merged from 2 sources", 40),
  step("Check consent", "5 allowed", 10),
  step("Run initializeCommand", "on this computer, exit 0", 600),
  step("Pull rust:1.91-bookworm", "246 MB, 7 of 9 layers here", 5100),
  step("Build image", "4 of 7: RUN apt-get install", 14_200),
  step("Create container", null, 80),
  step("Attach agent over exec", null, 60),
  step("Run postCreateCommand", "cargo fetch --locked", 3000),
  step("Ready", "last time 38 s", 0),
];

function step(title: string, detail: string | null, durationMs: number): Step {
  return { title, detail, state: "waiting", durationMs, progress: null };
}

export const BUILD_LOG: readonly string[] = [
  "#8 [1/7] FROM docker.io/library/rust:1.91-bookworm",
  "#8 CACHED",
  "#9 [2/7] COPY rust-toolchain.toml .",
  "#9 DONE 0.1s",
  "#10 [3/7] RUN apt-get update",
  "#10 1.108 Get:1 bookworm InRelease [151 kB]",
  "#10 1.921 Get:4 bookworm/main amd64 Packages [8,793 kB]",
  "#10 4.377 Fetched 9,412 kB in 3s (3,114 kB/s)",
  "#10 4.802 Reading package lists…",
  "#10 5.002 W: cache is older than 7 days",
  "#11 [4/7] RUN apt-get install -y protobuf-compiler",
  "#11 6.120 Setting up libprotoc32 (3.21.12-3) …",
  "#11 7.655 Setting up protobuf-compiler (3.21.12-3) …",
];

export const BUILD_PROBLEM: Problem = {
  code: "build.step_failed",
  message: "A package of the image could not be fetched",
  at: "Dockerfile:7, step 4 of 7",
  why: [
    "apt-get exited with 100",
    "the package index of python:3.13-slim is 43 days old and names a version of libgeos-dev that the mirror no longer has",
  ],
  lines: [
    "#9 5.240 Installing libgeos-dev libproj-dev gdal-bin",
    "#9 6.031 I: using the package index of the base image",
    "#9 6.914 Reading package lists…",
    "#9 7.402 Get:1 bookworm/main libgeos3.11.1 [826 kB]",
    "#9 9.871 E: Failed to fetch libgeos-dev_3.11.1-1_amd64.deb  404  Not Found",
    "#9 9.871 E: Unable to fetch some archives, maybe run apt-get update",
    '#9 ERROR: process "/bin/sh -c apt-get install" did not complete: exit code 100',
  ],
  fixes: [
    {
      text: "Build again without the cache, so that apt-get update runs afresh",
      command: "devctl rebuild notebook-eda --no-cache",
    },
    { text: "Put apt-get update into the same RUN line as apt-get install", command: null },
  ],
  safe: ["The container of 4 Nov is untouched, stopped", "3 finished steps stay in the cache"],
  trust: null,
};

export const STARTUP_PROBLEM: Problem = {
  code: "store.unwritable",
  message: "The event log in /home/wren/.local/state/devctl cannot be written",
  at: "state.db",
  why: ["attempt to write a readonly database"],
  lines: [],
  fixes: [
    {
      text: "Give the folder back to your user",
      command: "sudo chown -R wren /home/wren/.local/state/devctl",
    },
  ],
  safe: ["Containers keep running", "Nothing was changed"],
  trust: null,
};

const OPERATIONS: readonly (readonly [
  string,
  string,
  EventRecord["outcome"],
  number,
  string | null,
])[] = [
  ["up", "atlas-api", "done", 38_200, null],
  ["stop_container", "billing-etl", "done", 1_200, null],
  ["rebuild_container", "notebook-eda", "failed", 22_000, "build.step_failed"],
  ["start_container", "ledger-db", "done", 410, null],
  ["set_setting", "ssh.startOnConnect", "done", 4, null],
  ["up", "protoc-lab", "interrupted", 0, null],
  ["install_ssh", "/home/wren/.ssh/config", "done", 12, null],
  ["remove_container", "old-spike", "done", 860, null],
  ["up", "mobile-bff", "cancelled", 9_000, "cancelled"],
];

export const EVENTS: readonly EventRecord[] = OPERATIONS.map(
  ([operation, subject, outcome, durationMs, code], index) => ({
    seq: OPERATIONS.length - index,
    id: `0192-${index}`,
    at: before((index * 47 + 3) * MINUTE),
    who: "wren",
    door: index % 3 === 0 ? "desktop" : "cli",
    operation,
    subject,
    outcome,
    durationMs: outcome === "interrupted" ? null : durationMs,
    code,
    detail: null,
  }),
);

export const SETTINGS: readonly Setting[] = [
  setting("engine.timeoutSeconds", "How long an engine may take to answer.", 10, 10, "1 to 600"),
  setting(
    "limits.memory",
    "Memory that a new container may use.",
    "4GiB",
    "",
    "a size, or nothing for no limit",
  ),
  setting("ssh.certificateHours", "How long a certificate is valid.", 12, 12, "1 to 24"),
  setting(
    "ssh.startOnConnect",
    "Starts a stopped container when somebody logs in.",
    true,
    true,
    "true or false",
  ),
];

function setting(
  key: string,
  about: string,
  value: Setting["value"],
  fallback: Setting["default"],
  allowed: string,
): Setting {
  return { key, about, value, default: fallback, allowed };
}

export function doctorReport(engineDown: boolean): DoctorReport {
  const fix = {
    text: "Start the Docker engine",
    command: "sudo systemctl start docker",
  };
  return {
    healthy: !engineDown,
    checks: [
      {
        id: "engine",
        title: "Container engine",
        state: engineDown ? "failed" : "ok",
        detail: engineDown ? "Nothing answers at /var/run/docker.sock" : "Docker Engine 28.3",
        fix: engineDown ? fix : null,
        canFix: false,
      },
      check("ssh", "SSH client", "OpenSSH 10.2, /usr/bin/ssh"),
      check("keychain", "Keychain", "Secret Service, unlocked"),
      {
        id: "include",
        title: "One line in ssh_config",
        state: "warning",
        detail: "Not there yet",
        fix: {
          text: "Adds one Include line at the top of your ssh configuration",
          command: "devctl ssh install",
        },
        canFix: false,
      },
      check("disk", "Disk", "41 GiB free of 512"),
      check("clock", "Clock", "4 ms off, certificates need less than 5 min"),
    ],
  };
}

function check(id: string, title: string, detail: string): DoctorReport["checks"][number] {
  return { id, title, state: "ok", detail, fix: null, canFix: false };
}

export const TERMINAL_TEXT = [
  "\x1b[32mdev\x1b[90m@\x1b[32matlas-api\x1b[0m \x1b[34m/workspaces/atlas-api\x1b[0m on \x1b[33mrate-limit +2\x1b[0m",
  "\x1b[90m$\x1b[0m cargo nextest run -p atlas-limits",
  "    \x1b[32mFinished\x1b[0m test profile [unoptimized] in 6.41s",
  "    \x1b[32mStarting\x1b[0m 38 tests across 3 binaries",
  "        \x1b[32mPASS\x1b[0m [   0.012s] atlas-limits \x1b[34mbucket::\x1b[0mrefill_is_monotonic",
  "        \x1b[32mPASS\x1b[0m [   0.014s] atlas-limits \x1b[34mbucket::\x1b[0mburst_then_block",
  "        \x1b[31mFAIL\x1b[0m [   0.231s] atlas-limits \x1b[34mstore::\x1b[0mkeeps_count_after_restart",
  "     \x1b[31mSummary\x1b[0m [   1.204s] 38 tests run: \x1b[32m37 passed\x1b[0m, \x1b[31m1 failed\x1b[0m",
  "\x1b[32mdev\x1b[90m@\x1b[32matlas-api\x1b[0m \x1b[34m/workspaces/atlas-api\x1b[0m on \x1b[33mrate-limit +2\x1b[0m",
  "\x1b[90m$\x1b[0m ",
].join("\r\n");
