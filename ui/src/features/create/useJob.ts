import { useEffect, useState } from "react";
import { useBackend } from "../../backend/context";
import type { LogEntry } from "../../components/LogView";
import type { Job, Problem } from "../../generated/types";

/** A job as its stream tells it. */
export interface FollowedJob {
  job: Job | null;
  lines: readonly LogEntry[];
  /** Why it cannot be followed. */
  problem: Problem | null;
}

const NOTHING: FollowedJob = { job: null, lines: [], problem: null };

/** Follows one job: whole at first, then each update until it ends. For another job, another component. */
export function useJob(id: string): FollowedJob {
  const backend = useBackend();
  const [followed, setFollowed] = useState<FollowedJob>(NOTHING);
  useEffect(() => {
    return backend.listen(
      "follow_job",
      { job: id },
      {
        onItem: (update) =>
          setFollowed((before) =>
            update.type === "job"
              ? { ...before, job: update.job }
              : { ...before, lines: before.lines.concat(update.lines) },
          ),
        onEnd: (problem) => setFollowed((before) => ({ ...before, problem })),
      },
    );
  }, [backend, id]);
  return followed;
}
