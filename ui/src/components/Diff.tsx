/** A unified diff without its file header, with line numbers of the new file. */
export function Diff({ diff }: { diff: string }) {
  return (
    <pre className="log overflow-x-auto py-1" data-testid="diff">
      {parse(diff).map((line) => (
        <div
          key={`${line.number}${line.sign}${line.text}`}
          className={`flex pr-3 ${TINT[line.sign]}`}
        >
          <span className="w-9 flex-none pr-2 text-right text-3">{line.number ?? "⋯"}</span>
          <span className={`w-4 flex-none ${line.sign === "+" ? "text-ok-text" : "text-bad-text"}`}>
            {line.sign}
          </span>
          <span className={line.sign === " " ? "text-2" : "text-1"}>{line.text}</span>
        </div>
      ))}
    </pre>
  );
}

const TINT = { "+": "bg-diff-add", "-": "bg-diff-del", " ": "" } as const;

interface DiffLine {
  number: number | null;
  sign: "+" | "-" | " ";
  text: string;
}

/** Reads what `diff -u` prints; lines before the first hunk are its header. */
export function parse(diff: string): DiffLine[] {
  const lines: DiffLine[] = [];
  let next = 0;
  for (const line of diff.split("\n")) {
    const hunk = /^@@ -\d+(?:,\d+)? \+(\d+)/.exec(line);
    if (hunk) {
      next = Number(hunk[1]);
      continue;
    }
    if (next === 0 && !hunk) continue;
    const sign = line[0];
    if (sign === "+" || sign === " ") lines.push({ number: next++, sign, text: line.slice(1) });
    else if (sign === "-") lines.push({ number: next, sign, text: line.slice(1) });
  }
  return lines;
}
