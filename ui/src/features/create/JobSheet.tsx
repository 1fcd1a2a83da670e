import { useEffect, useState } from "react";
import { sshLine, useBeginJob } from "../../app/actions";
import { useApp, type JobOrigin } from "../../app/app-state";
import { jobProgress, jobTitle } from "../../app/JobsIndicator";
import { useChange, useRead } from "../../backend/cache";
import { CopyLine } from "../../components/CopyLine";
import { Keys } from "../../components/Keys";
import { LogView } from "../../components/LogView";
import { ProblemView } from "../../components/ProblemView";
import { Sheet } from "../../components/Sheet";
import { shape, StatusGlyph } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { duration, shellWord } from "../../format";
import type { Job, Step } from "../../generated/types";
import { text } from "../../text";
import { JobTrust } from "./JobTrust";
import { useJob } from "./useJob";

/** A job while it runs and after it: steps, log, cancel, and why it failed. Leaving it harms nothing. */
export function JobSheet({ id }: { id: string }) {
  const { show, originOf } = useApp();
  const begin = useBeginJob();
  const { job, lines, problem } = useJob(id);
  const [tab, setTab] = useState<"outcome" | "log">("outcome");
  const origin = originOf(id);

  if (!job) {
    return (
      <Sheet title={text.common.loading} width={880} onClose={() => show(null)}>
        <div className="min-h-100 p-5">{problem && <ProblemView problem={problem} />}</div>
      </Sheet>
    );
  }
  const trust = job.problem?.code === "consent.required" ? job.problem.trust : null;
  if (trust && origin) {
    return (
      <JobTrust
        job={job}
        sheet={trust}
        starts={origin.operation === "start_container" || origin.operation === "restart_container"}
        onAllow={async () => {
          const next = await begin(allowed(origin, trust.hash), text.job.failed(job.subject));
          if (next) show({ kind: "job", job: next });
        }}
      />
    );
  }
  const failed = job.state === "failed" && job.problem !== null;
  return (
    <Sheet
      width={880}
      top={72}
      glyph={<StatusGlyph shape={shape.job(job.state)} />}
      headClass="py-3.5"
      title={<span data-testid="job-title">{headline(job)}</span>}
      aside={<Elapsed job={job} />}
      onClose={() => show(null)}
      footer={<Foot job={job} onLeave={() => show(null)} />}
    >
      <Progress job={job} />
      <div className="flex h-[min(504px,calc(100vh-260px))] min-h-0 max-row:h-auto max-row:flex-col">
        <Steps steps={job.steps} />
        <div className="flex min-w-0 flex-1 flex-col border-l border-line">
          {failed && (
            <div className="flex flex-none gap-5 border-b border-line bg-panel px-4" role="tablist">
              {(["outcome", "log"] as const).map((name) => (
                <button
                  key={name}
                  type="button"
                  role="tab"
                  aria-selected={tab === name}
                  data-state={tab === name ? "active" : "inactive"}
                  className="tab"
                  onClick={() => setTab(name)}
                >
                  {name === "log" ? text.job.log : text.problem.why}
                </button>
              ))}
            </div>
          )}
          {failed && job.problem && tab === "outcome" ? (
            <div className="min-h-0 flex-1 overflow-y-auto bg-panel p-4">
              <ProblemView problem={job.problem} facts={tookFact(job)} />
              <FromTerminal job={job} origin={origin} />
            </div>
          ) : (
            <LogView
              title={text.job.log}
              lines={lines}
              empty={job.state === "running" ? text.job.waiting : text.logs.empty}
            />
          )}
        </div>
      </div>
    </Sheet>
  );
}

/** The same act for the terminal. */
function FromTerminal({ job, origin }: { job: Job; origin: JobOrigin | undefined }) {
  const command = commandOf(job, origin);
  if (!command) return null;
  return (
    <section className="mt-4">
      <h3 className="mb-2 text-body text-2">{text.problem.fromTerminal}</h3>
      <CopyLine line={command} />
    </section>
  );
}

function commandOf(job: Job, origin: JobOrigin | undefined): string | null {
  if (origin?.operation === "up") return `devctl up ${shellWord(origin.request.source)}`;
  const verb = VERBS[job.operation];
  return verb ? `devctl ${verb} ${shellWord(job.subject)}` : null;
}

const VERBS: Record<string, string> = {
  start_container: "start",
  restart_container: "restart",
  rebuild_container: "rebuild",
};

/** The same request, with the hash of the sheet that was allowed. */
function allowed(origin: JobOrigin, trust: string): JobOrigin {
  switch (origin.operation) {
    case "up":
      return { ...origin, request: { ...origin.request, trust } };
    case "start_container":
      return { ...origin, request: { ...origin.request, trust } };
    case "restart_container":
      return { ...origin, request: { ...origin.request, trust } };
    case "rebuild_container":
      return { ...origin, request: { ...origin.request, trust } };
  }
}

function headline(job: Job): string {
  switch (job.state) {
    case "running":
      return jobTitle(job);
    case "done":
      return text.job.done(job.subject);
    case "failed":
      return text.job.failed(jobTitle(job));
    case "cancelled":
      return text.job.cancelled(jobTitle(job));
  }
}

function tookFact(job: Job): string[] {
  if (!job.finishedAt) return [];
  return [duration(Date.parse(job.finishedAt) - Date.parse(job.startedAt))];
}

function Elapsed({ job }: { job: Job }) {
  const now = useNow(job.finishedAt ? 60_000 : 100);
  const end = job.finishedAt
    ? Date.parse(job.finishedAt)
    : Math.max(now, Date.parse(job.startedAt));
  return <span className="pr-1 text-2">{duration(end - Date.parse(job.startedAt))}</span>;
}

function Progress({ job }: { job: Job }) {
  const share = job.state === "done" ? 1 : jobProgress(job);
  return (
    <div
      role="progressbar"
      aria-label={text.job.progress}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(share * 100)}
      className="h-0.5 flex-none bg-line"
    >
      <div
        className={`h-full transition-[width] duration-(--m-base) ${job.state === "failed" ? "bg-bad" : "bg-accent"}`}
        style={{ width: `${share * 100}%` }}
      />
    </div>
  );
}

function Steps({ steps }: { steps: readonly Step[] }) {
  return (
    <ol
      aria-label={text.job.steps}
      className="w-72 flex-none overflow-y-auto px-5 py-3 max-row:w-auto"
    >
      {steps.map((step, index) => (
        <li
          key={`${index}${step.title}`}
          className="relative flex min-h-11 gap-3"
          data-step={step.state}
        >
          {index < steps.length - 1 && (
            <span
              className="absolute top-6 bottom-0.5 left-[7.5px] w-px bg-line-strong"
              aria-hidden="true"
            />
          )}
          <StatusGlyph shape={shape.step(step.state)} className="mt-1" />
          <div className="min-w-0 flex-1 pb-1">
            <p className={`flex gap-2 ${TONE[step.state]}`}>
              <span className="min-w-0 flex-1 truncate" title={step.title}>
                {step.title}
              </span>
              {step.durationMs !== null && step.state !== "waiting" && (
                <span className="text-small leading-5 text-3">{duration(step.durationMs)}</span>
              )}
            </p>
            {step.detail && (
              <p className="truncate text-small text-3" title={step.detail}>
                {step.detail}
              </p>
            )}
          </div>
        </li>
      ))}
    </ol>
  );
}

const TONE: Record<Step["state"], string> = {
  waiting: "text-3",
  running: "font-medium text-1",
  done: "font-medium text-1",
  skipped: "text-3",
  failed: "font-medium text-bad-text",
};

function Foot({ job, onLeave }: { job: Job; onLeave: () => void }) {
  const cancel = useChange("cancel_job");
  if (job.state === "running") {
    return (
      <>
        <span className="min-w-0 flex-1 text-right text-small text-3">{job.cancelEffect}</span>
        <button
          type="button"
          className="btn btn-danger"
          disabled={cancel.isPending || cancel.isSuccess}
          onClick={() => cancel.mutate({ job: job.id })}
        >
          {cancel.isPending || cancel.isSuccess ? text.job.cancelling : text.common.cancel}
        </button>
        <button type="button" className="btn" onClick={onLeave}>
          {text.job.background}
          <Keys keys={["Esc"]} />
        </button>
      </>
    );
  }
  return job.state === "done" ? (
    <Ready job={job} onLeave={onLeave} />
  ) : (
    <>
      <span className="flex-1" />
      <button type="button" className="btn" onClick={onLeave}>
        {text.common.close}
      </button>
    </>
  );
}

/** The container that a finished job is about, with the line that logs in. */
function Ready({ job, onLeave }: { job: Job; onLeave: () => void }) {
  const { data } = useRead("list_containers", {});
  const { go } = useApp();
  const container = data?.containers.find(
    (container) => container.name === job.subject || container.id === idOf(job),
  );
  const id = container?.id;
  useEffect(() => {
    // Its pane opens behind the sheet.
    if (id) go({ view: "containers", container: id });
  }, [id, go]);
  return (
    <>
      <span className="text-small text-2">{text.job.ready}</span>
      <div className="min-w-0 flex-1">{container && <CopyLine line={sshLine(container)} />}</div>
      {container && (
        <button
          type="button"
          className="btn"
          onClick={() => {
            go({ view: "containers", container: container.id, tab: "terminal", wide: true });
            onLeave();
          }}
        >
          {text.job.openTerminal}
        </button>
      )}
      <button type="button" className="btn btn-primary" onClick={onLeave}>
        {text.common.close}
      </button>
    </>
  );
}

/** The id in a job's result, where its outcome carries one. */
function idOf(job: Job): string | null {
  const result = job.result;
  if (typeof result !== "object" || result === null || Array.isArray(result)) return null;
  const id = result["container"] ?? result["id"];
  return typeof id === "string" ? id : null;
}
