import { useEffect, useState } from "react";
import { useBackend } from "../../backend/context";
import { LogView, type LogEntry } from "../../components/LogView";
import { ProblemView } from "../../components/ProblemView";
import type { Container, Problem } from "../../generated/types";
import { text } from "../../text";

/** How many of the last lines are asked for at first. */
const TAIL = 5000;

/** Beyond this many the oldest lines are let go, so that a log that runs for days does not fill the memory. */
const KEEP = 1_000_000;

/** The log of the container's main process, as it grows. */
export function LogsTab({ container }: { container: Container }) {
  // A container that was started again has a log that goes on: it is read anew.
  return <Log key={`${container.id} ${container.startedAt}`} id={container.id} />;
}

function Log({ id }: { id: string }) {
  const backend = useBackend();
  const [lines, setLines] = useState<LogEntry[]>([]);
  const [problem, setProblem] = useState<Problem | null>(null);

  useEffect(() => {
    let pending: LogEntry[] = [];
    let frame = 0;
    const flush = () => {
      frame = 0;
      const fresh = pending;
      pending = [];
      setLines((before) => {
        const after = before.concat(fresh);
        return after.length > KEEP ? after.slice(after.length - KEEP) : after;
      });
    };
    const stop = backend.listen(
      "follow_logs",
      { container: id, follow: true, tail: TAIL },
      {
        onItem: (chunk) => {
          for (const line of chunk.lines) pending.push(line);
          // Thousands of chunks become one drawing a frame.
          frame ||= requestAnimationFrame(flush);
        },
        onEnd: setProblem,
      },
    );
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [backend, id]);

  if (problem) {
    return (
      <div className="overflow-y-auto p-4">
        <ProblemView problem={problem} />
      </div>
    );
  }
  return <LogView title={text.logs.label} lines={lines} empty={text.logs.empty} />;
}
