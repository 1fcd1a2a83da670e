import type { Operations, Streams } from "../generated/operations";
import type { Problem } from "../generated/types";

/** Ends a subscription. Calling it twice is harmless. */
export type Stop = () => void;

export type OperationName = keyof Operations;
export type Request<K extends OperationName> = Operations[K]["request"];
export type Response<K extends OperationName> = Operations[K]["response"];
export type StreamName = keyof Streams;

/** What a listener of a stream wants to know. */
export interface Listener<Item> {
  onItem: (item: Item) => void;
  /** The stream is over: with a problem when it could not be opened, without when it ended. */
  onEnd?: (problem: Problem | null) => void;
}

/** What only a desktop window can do; a browser has no such object. */
export interface Desktop {
  /** Shows the system's folder chooser; none when the person changed their mind. */
  pickFolder: () => Promise<string | null>;
  /** Calls back with the absolute paths that were dropped on the window. */
  onDrop: (handler: (paths: string[]) => void) => Stop;
  minimize: () => void;
  toggleMaximize: () => void;
  close: () => void;
}

/** The one way from the interface to the core. Every rejection is a {@link BackendError}. */
export interface Backend {
  /** Resolves when the core is open; `again` makes another attempt after a failure. */
  startup: (again: boolean) => Promise<void>;
  call: <K extends OperationName>(name: K, request: Request<K>) => Promise<Response<K>>;
  listen: <K extends StreamName>(
    name: K,
    request: Streams[K]["request"],
    listener: Listener<Streams[K]["item"]>,
  ) => Stop;
  desktop: Desktop | null;
}

/** A failure of the core, carrying the problem to show. */
export class BackendError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.message);
    this.name = "BackendError";
  }
}

/** The problem behind anything that was thrown; what is not one of ours is a defect of the launcher. */
export function problemOf(error: unknown): Problem {
  if (error instanceof BackendError) return error.problem;
  return {
    code: "internal",
    message: error instanceof Error ? error.message : String(error),
    at: null,
    why: [],
    lines: [],
    fixes: [],
    safe: [],
    trust: null,
  };
}

/** True for a value that has the shape of a problem, as the shell rejects with. */
export function isProblem(value: unknown): value is Problem {
  return (
    typeof value === "object" &&
    value !== null &&
    "code" in value &&
    "message" in value &&
    "fixes" in value
  );
}
