import type { CheckState, ContainerState, JobState, StepState } from "../generated/types";

/** Every status has a shape of its own, so that colour is never the only difference. */
export type Shape =
  "running" | "starting" | "paused" | "stopped" | "failed" | "unknown" | "done" | "attention";

const ofContainer: Record<ContainerState, Shape> = {
  created: "stopped",
  running: "running",
  paused: "paused",
  restarting: "starting",
  stopped: "stopped",
  failed: "failed",
  removing: "starting",
  gone: "failed",
  unknown: "unknown",
};
const ofStep: Record<StepState, Shape> = {
  waiting: "unknown",
  running: "starting",
  done: "done",
  skipped: "stopped",
  failed: "failed",
};
const ofJob: Record<JobState, Shape> = {
  running: "starting",
  done: "done",
  failed: "failed",
  cancelled: "stopped",
};
const ofCheck: Record<CheckState, Shape> = {
  ok: "done",
  warning: "attention",
  failed: "failed",
  skipped: "unknown",
};

export const shape = {
  container: (state: ContainerState) => ofContainer[state],
  step: (state: StepState) => ofStep[state],
  job: (state: JobState) => ofJob[state],
  check: (state: CheckState) => ofCheck[state],
};

/** The word's colour that belongs to a container's state. */
export const stateText: Record<ContainerState, string> = {
  created: "text-2",
  running: "text-ok-text",
  paused: "text-warn-text",
  restarting: "text-accent-text",
  stopped: "text-2",
  failed: "text-bad-text",
  removing: "text-accent-text",
  gone: "text-bad-text",
  unknown: "text-2",
};

/** The shape of a status, 16 px. The word always stands beside it, so it is hidden from screen readers. */
export function StatusGlyph({ shape, className = "" }: { shape: Shape; className?: string }) {
  return (
    <svg
      width="16"
      height="16"
      viewBox="0 0 16 16"
      fill="none"
      aria-hidden="true"
      data-shape={shape}
      className={`flex-none ${className}`}
    >
      {drawing(shape)}
    </svg>
  );
}

function drawing(shape: Shape) {
  switch (shape) {
    case "running":
      return <circle cx="8" cy="8" r="4" fill="var(--ok)" />;
    case "starting":
      return (
        <g strokeWidth="1.8" className="turning">
          <circle cx="8" cy="8" r="4.6" stroke="var(--data-3)" />
          <path d="M8 3.4a4.6 4.6 0 1 1-4.6 4.6" stroke="var(--data)" strokeLinecap="round" />
        </g>
      );
    case "paused":
      return (
        <g fill="var(--warn)">
          <rect x="4.2" y="3.8" width="2.6" height="8.4" rx="0.8" />
          <rect x="9.2" y="3.8" width="2.6" height="8.4" rx="0.8" />
        </g>
      );
    case "stopped":
      return (
        <rect
          x="4.3"
          y="4.3"
          width="7.4"
          height="7.4"
          rx="1.2"
          stroke="var(--idle)"
          strokeWidth="1.5"
        />
      );
    case "failed":
      return (
        <g>
          <rect
            x="3.4"
            y="3.4"
            width="9.2"
            height="9.2"
            rx="1.4"
            transform="rotate(45 8 8)"
            fill="var(--bad)"
          />
          <path
            d="m6.4 6.4 3.2 3.2m0-3.2L6.4 9.6"
            stroke="var(--panel)"
            strokeWidth="1.5"
            strokeLinecap="round"
          />
        </g>
      );
    case "unknown":
      return (
        <circle
          cx="8"
          cy="8"
          r="4.6"
          stroke="var(--idle)"
          strokeWidth="1.5"
          strokeDasharray="2.1 1.5"
        />
      );
    case "done":
      return (
        <g stroke="var(--ok)" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round">
          <circle cx="8" cy="8" r="6" />
          <path d="m5.4 8.2 1.8 1.8 3.4-3.8" />
        </g>
      );
    case "attention":
      return (
        <g>
          <path
            d="M7.1 2.6a1 1 0 0 1 1.8 0l5.2 9.5a1 1 0 0 1-.9 1.5H2.8a1 1 0 0 1-.9-1.5z"
            fill="var(--warn)"
          />
          <path d="M8 6v3.2m0 2v.2" stroke="var(--panel)" strokeWidth="1.5" strokeLinecap="round" />
        </g>
      );
  }
}
