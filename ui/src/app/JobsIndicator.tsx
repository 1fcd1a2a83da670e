import { useState } from "react";
import { useRead } from "../backend/cache";
import { Menu } from "../components/Menu";
import { shape, StatusGlyph } from "../components/StatusGlyph";
import { useNow } from "../components/useNow";
import { ago } from "../format";
import type { Job } from "../generated/types";
import { text } from "../text";
import { useApp } from "./app-state";

/** The title of a job: `Creating hello`. */
export function jobTitle(job: Job): string {
  const title = text.job.titles[job.operation];
  return title ? title(job.subject) : text.job.other(text.operation(job.operation), job.subject);
}

/** Share of a job's steps that have ended, 0 to 1. */
export function jobProgress(job: Job): number {
  if (job.steps.length === 0) return 0;
  const ended = job.steps.reduce((sum, step) => {
    if (step.state === "done" || step.state === "skipped") return sum + 1;
    return step.state === "running" ? sum + (step.progress ?? 0.5) : sum;
  }, 0);
  return ended / job.steps.length;
}

/** What runs now, or what failed and was not looked at; nothing when all is quiet. */
export function JobsIndicator() {
  const { show } = useApp();
  const now = useNow();
  const { data } = useRead("list_jobs", {});
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  const jobs = data?.jobs ?? [];
  const running = jobs.filter((job) => job.state === "running");
  const failed = jobs.filter((job) => job.state === "failed" && !seen.has(job.id));
  const [first] = running.length > 0 ? running : failed;
  if (!first) return null;

  const open = (job: Job) => {
    setSeen((before) => new Set([...before, job.id]));
    show({ kind: "job", job: job.id });
  };
  const only = running.length === 1 && failed.length === 0 ? first : null;
  const label = only
    ? jobTitle(only)
    : running.length > 0
      ? text.shell.jobs(running.length)
      : text.shell.jobsFailed(failed.length);
  return (
    <Menu
      trigger={
        <button
          type="button"
          className="flex h-7 items-center gap-2 rounded-control px-2 text-2 hover:bg-press"
          aria-label={`${text.shell.showJobs}: ${label}`}
        >
          <StatusGlyph shape={shape.job(first.state)} />
          <span className="max-w-44 truncate max-row:hidden">{label}</span>
          {only && (
            <span className="text-3 max-row:hidden">{Math.round(jobProgress(only) * 100)} %</span>
          )}
        </button>
      }
      groups={[
        [...running, ...failed].map((job) => ({
          label: jobTitle(job),
          aside: ago(job.startedAt, now),
          act: () => open(job),
        })),
        ...(failed.length > 0
          ? [
              [
                {
                  label: text.shell.forgetFailed,
                  act: () =>
                    setSeen((before) => new Set([...before, ...failed.map((job) => job.id)])),
                },
              ],
            ]
          : []),
      ]}
    />
  );
}
