import { useState } from "react";
import { useRead } from "../../backend/cache";
import { ProblemView } from "../../components/ProblemView";
import { StatusGlyph } from "../../components/StatusGlyph";
import { shortPath } from "../../format";
import type { SshDamage, SshHostLine } from "../../generated/types";
import { text } from "../../text";

/** Which lines of the person's configuration are in force for a host that they name. */
export function HostLines() {
  const [draft, setDraft] = useState("");
  const [host, setHost] = useState("");
  const { data, problem } = useRead(
    "explain_ssh_host",
    { host },
    { skip: host === "", retry: false },
  );
  const words = text.ssh.lines;
  return (
    <section>
      <h3 className="mb-1.5 text-2">{words.title}</h3>
      <form
        className="flex gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          setHost(draft.trim());
        }}
      >
        <input
          className="field mono min-w-0 flex-1"
          aria-label={words.host}
          placeholder="NAME.devctl"
          spellCheck={false}
          autoComplete="off"
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
        />
        <button type="submit" className="btn" disabled={draft.trim() === ""}>
          {words.show}
        </button>
      </form>
      {problem && host && (
        <div className="mt-3">
          <ProblemView problem={problem} />
        </div>
      )}
      {data && host && (
        <div className="mt-3 flex flex-col gap-3" data-testid="host-lines">
          <Lines lines={data.lines} />
          {data.lines.length === 0 && <p className="text-2">{words.none}</p>}
          {data.conditional.length > 0 && (
            <div>
              <h4 className="mb-1 text-small text-3">{words.conditional}</h4>
              <Lines lines={data.conditional} />
            </div>
          )}
          <Remarks remarks={data.remarks} />
        </div>
      )}
    </section>
  );
}

function Lines({ lines }: { lines: readonly SshHostLine[] }) {
  return (
    <ul>
      {lines.map((line) => (
        <li key={`${line.file}:${line.line}:${line.keyword}`} className="border-t border-line py-1">
          <code className="mono block [overflow-wrap:anywhere]">
            {line.keyword} {line.value}
          </code>
          <code className="mono block text-3" title={line.file}>
            {shortPath(line.file, 40)}:{line.line}
          </code>
        </li>
      ))}
    </ul>
  );
}

/** What breaks logins or cannot be told, each with its place and what can be done. */
export function Remarks({ remarks }: { remarks: readonly SshDamage[] }) {
  return (
    <ul className="flex flex-col gap-2">
      {remarks.map((one) => (
        <li key={`${one.file}:${one.line}:${one.what}`} className="flex gap-2">
          <StatusGlyph shape="attention" className="mt-0.5" />
          <div className="min-w-0 [overflow-wrap:anywhere]">
            <p>{text.ssh.lines.by(one.tool, one.what)}</p>
            <code className="mono block text-3" title={one.file}>
              {shortPath(one.file, 40)}
              {one.line > 0 && `:${one.line}`}
            </code>
            {one.fix && <p className="text-2">{one.fix}</p>}
          </div>
        </li>
      ))}
    </ul>
  );
}
