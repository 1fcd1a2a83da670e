import type { ReactNode } from "react";
import type { Problem } from "../generated/types";
import { text } from "../text";
import { CopyLine, useCopy } from "./CopyLine";
import { Icon } from "./Icon";
import { StatusGlyph } from "./StatusGlyph";

/** A line that names an error by itself; it is set off in the last lines. */
const ERROR_LINE = /\b(error|failed|fatal|cannot|denied|not found)\b|\bE: /i;

/** The whole of a failure: what, code, where, why, last lines, what to do, what is safe. */
export function ProblemView({
  problem,
  facts = [],
  actions,
}: {
  problem: Problem;
  /** More about it, after the code: time, duration. */
  facts?: string[];
  /** Acts that the screen offers besides the problem's own fixes. */
  actions?: ReactNode;
}) {
  const { copied, copy } = useCopy();
  return (
    <div className="selectable flex flex-col gap-4" role="alert" data-code={problem.code}>
      <div>
        <h2 className="text-head [overflow-wrap:anywhere]">{problem.message}</h2>
        <div className="mt-2 flex flex-wrap items-center gap-x-2 gap-y-1 text-2">
          <code className="mono rounded-badge bg-bad-bg px-1.5 py-0.5 text-bad-text">
            {problem.code}
          </code>
          {[problem.at, ...facts].filter(Boolean).map((fact, index) => (
            <span key={fact} className="flex items-center gap-2">
              {index > 0 && <span className="text-3">·</span>}
              {fact}
            </span>
          ))}
          <button
            type="button"
            className="btn btn-ghost btn-small ml-auto"
            onClick={() => copy(details(problem))}
          >
            <Icon name={copied ? "check" : "copy"} />
            {copied ? text.common.copied : text.common.copyDetails}
          </button>
        </div>
        {problem.why.length > 0 && (
          <p className="mt-2 text-2 [overflow-wrap:anywhere]">{problem.why.join(": ")}</p>
        )}
      </div>

      {problem.lines.length > 0 && (
        <section className="well">
          <h3 className="border-b border-line px-3 py-1.5 text-body text-2">
            {text.problem.lastLines}
          </h3>
          <ol className="log max-h-72 overflow-y-auto py-1">
            {problem.lines.map((line, index) => (
              <li
                key={`${index}-${line}`}
                className={`px-3 [overflow-wrap:anywhere] whitespace-pre-wrap ${
                  ERROR_LINE.test(line) ? "bg-bad-bg text-bad-text" : "text-2"
                }`}
              >
                {line}
              </li>
            ))}
          </ol>
        </section>
      )}

      {(problem.fixes.length > 0 || actions) && (
        <section>
          <h3 className="mb-1 text-body text-2">{text.problem.todo}</h3>
          <ol>
            {problem.fixes.map((fix, index) => (
              <li key={fix.text} className="flex gap-3 border-t border-line py-2.5">
                <span className="w-3 text-3">{index + 1}</span>
                <div className="min-w-0 flex-1">
                  <p>{fix.text}</p>
                  {fix.command && (
                    <div className="mt-2">
                      <CopyLine line={fix.command} />
                    </div>
                  )}
                </div>
              </li>
            ))}
          </ol>
          {actions && <div className="flex gap-2 border-t border-line pt-3">{actions}</div>}
        </section>
      )}

      {problem.safe.length > 0 && (
        <section>
          <h3 className="mb-2 text-body text-2">{text.problem.safe}</h3>
          <ul className="flex flex-col gap-1.5">
            {problem.safe.map((line) => (
              <li key={line} className="flex gap-2">
                <StatusGlyph shape="done" className="mt-0.5" />
                <span className="min-w-0">{line}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}

/** The problem as text, for a report. */
function details(problem: Problem): string {
  return [
    `error[${problem.code}]: ${problem.message}`,
    ...(problem.at ? [`  at: ${problem.at}`] : []),
    ...problem.why.map((why) => `  why: ${why}`),
    ...problem.lines.map((line) => `  | ${line}`),
    ...problem.fixes.map((fix) => `  fix: ${fix.command ?? fix.text}`),
  ].join("\n");
}
