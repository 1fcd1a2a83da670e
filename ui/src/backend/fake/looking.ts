import type { StatsSample, StatsUpdate } from "../../generated/types";
import type { OperationName, Request, Response, Listener, Stop } from "../backend";
import { before } from "./data";

type Names = Extract<
  OperationName,
  | "read_stats"
  | "list_processes"
  | "list_file_changes"
  | "copy_into_container"
  | "copy_from_container"
>;

function sample(seconds: number): StatsSample {
  return {
    at: before(seconds * 1000),
    cpuPercent: 12 + ((seconds * 7) % 20),
    cpus: 8,
    memory: 44_040_192 + seconds * 4096,
    memoryLimit: 8_589_934_592,
    received: 1_042_000 - seconds * 100,
    sent: 51_200,
    diskRead: 4_096,
    diskWritten: 0,
    processes: 12,
  };
}

/** What the containers of the fake use, run and changed. */
export class FakeLooking {
  readonly handlers: { [K in Names]: (request: Request<K>) => Response<K> } = {
    read_stats: ({ containers }) => ({
      containers: containers.map((name) => ({ container: name, name, sample: sample(0) })),
    }),
    list_processes: () => ({
      processes: [
        {
          pid: 11004,
          parent: 10984,
          user: "root",
          cpuPercent: 0.5,
          memory: 5_578_752,
          elapsed: "00:03",
          state: "Ss",
          command: "node server.js",
        },
      ],
    }),
    copy_into_container: () => ({ files: 3, bytes: 1_048_576, skipped: [] }),
    copy_from_container: () => ({ files: 3, bytes: 1_048_576, skipped: [] }),
    list_file_changes: () => ({ changes: [{ path: "/etc/hosts.allow", kind: "added" }] }),
  };

  /** An hour of history, and one sample. */
  follow(containers: readonly string[], listener: Listener<StatsUpdate>): Stop {
    for (const name of containers) {
      const history = Array.from({ length: 360 }, (_, index) => sample((360 - index) * 10));
      listener.onItem({ type: "begun", container: name, name, history });
      listener.onItem({ type: "sample", container: name, name, sample: sample(0) });
    }
    return () => undefined;
  }
}
