import type { IdleState } from "../generated/types";

const states: Record<IdleState, string> = {
  stopped: "Stopped",
  inUse: "In use",
  idle: "Idle",
  keptAwake: "Kept awake",
  awakeHours: "In hours when nothing is stopped",
};

export const idle = {
  title: "Idle",
  states,
  since: (time: string) => `Idle for ${time}`,
  stops: (time: string) => `stops in ${time}`,
  stopsNow: "stops at any moment",
  until: (time: string) => `Kept awake for ${time}`,
  keepAwake: "Keep awake for 2 h",
  letSleep: "Let it sleep",
};

export const service = {
  title: "Background service",
  about:
    "Stops idle containers and renews certificates from each login on, while no window is open.",
  installed: (kind: string, file: string) => `${kind} starts it at each login: ${file}`,
  notInstalled: "Not installed. While this window is open, it does the work.",
  runs: (pid: number) => `Runs as process ${pid}.`,
  stands: "Does not run.",
  install: "Install",
  uninstall: "Uninstall",
};
