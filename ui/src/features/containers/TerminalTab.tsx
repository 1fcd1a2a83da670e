import { FitAddon } from "@xterm/addon-fit";
import { Terminal, type ITheme } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { useEffect, useRef, useState } from "react";
import { useBackend } from "../../backend/context";
import { ProblemView } from "../../components/ProblemView";
import { StatusGlyph } from "../../components/StatusGlyph";
import type { Container, Problem } from "../../generated/types";
import { text } from "../../text";

type Phase =
  | { kind: "opening" }
  | { kind: "open" }
  | { kind: "closed"; code: number | null }
  | { kind: "failed"; problem: Problem };

/** A terminal in the container, as its remote user, in its workspace folder. */
export default function TerminalTab({
  container,
  running,
}: {
  container: Container;
  running: boolean;
}) {
  const [session, setSession] = useState(0);
  const [phase, setPhase] = useState<Phase>({ kind: "opening" });
  const [size, setSize] = useState({ columns: 80, rows: 24 });

  if (!running && phase.kind !== "closed") {
    return <p className="p-4 text-3">{text.terminal.notRunning}</p>;
  }
  return (
    <div className="flex h-full flex-col bg-term">
      {phase.kind === "failed" ? (
        <div className="flex-1 overflow-y-auto p-4">
          <ProblemView problem={phase.problem} />
        </div>
      ) : (
        <Screen key={session} container={container} onPhase={setPhase} onSize={setSize} />
      )}
      <footer className="flex h-8 flex-none items-center gap-3 border-t border-line bg-panel px-4 text-small text-3">
        {phase.kind === "closed" || phase.kind === "failed" ? (
          <>
            {phase.kind === "closed" && <span>{text.terminal.closed(phase.code)}</span>}
            <button
              type="button"
              className="link"
              disabled={!running}
              onClick={() => {
                setPhase({ kind: "opening" });
                setSession(session + 1);
              }}
            >
              {text.terminal.again}
            </button>
          </>
        ) : (
          <span className="flex items-center gap-2">
            <StatusGlyph shape={phase.kind === "open" ? "running" : "starting"} />
            {phase.kind === "open" ? (
              <code className="mono">{container.sshHost}</code>
            ) : (
              text.terminal.opening
            )}
          </span>
        )}
        <span className="ml-auto">{text.terminal.size(size.columns, size.rows)}</span>
      </footer>
    </div>
  );
}

function Screen({
  container,
  onPhase,
  onSize,
}: {
  container: Container;
  onPhase: (phase: Phase) => void;
  onSize: (size: { columns: number; rows: number }) => void;
}) {
  const backend = useBackend();
  const place = useRef<HTMLDivElement>(null);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const terminal = new Terminal({
      allowProposedApi: false,
      cursorBlink: true,
      fontFamily: css("--font-mono"),
      fontSize: 12,
      lineHeight: 1.25,
      scrollback: 10_000,
      screenReaderMode: false,
      theme: colours(),
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(element);
    void drawWithGraphicsCard(terminal);
    fit.fit();
    onSize({ columns: terminal.cols, rows: terminal.rows });

    let id: string | null = null;
    // What is typed goes out one write after the other: two at once could overtake each other.
    let typed = Promise.resolve<unknown>(undefined);
    const failed = () => {
      // The stream says how the terminal ended; a write that comes too late adds nothing.
    };
    const stop = backend.listen(
      "open_terminal",
      { container: container.id, columns: terminal.cols, rows: terminal.rows },
      {
        onItem: (output) => {
          if (output.type === "opened") {
            id = output.terminal;
            onPhase({ kind: "open" });
            if (!rowHasFocus()) terminal.focus();
          } else if (output.type === "data") {
            terminal.write(Uint8Array.from(atob(output.base64), (c) => c.codePointAt(0) ?? 0));
          } else {
            id = null;
            onPhase({ kind: "closed", code: output.exitCode });
          }
        },
        onEnd: (problem) => {
          id = null;
          if (problem) onPhase({ kind: "failed", problem });
        },
      },
    );
    const typing = terminal.onData((data) => {
      const target = id;
      if (target === null) return;
      typed = typed.then(() =>
        backend.call("write_terminal", { terminal: target, data }).catch(failed),
      );
    });
    const resizing = terminal.onResize(({ cols, rows }) => {
      onSize({ columns: cols, rows });
      if (id !== null) {
        backend.call("resize_terminal", { terminal: id, columns: cols, rows }).catch(failed);
      }
    });
    // A hidden tab has no size; fitting to it would make the shell one column wide.
    const watcher = new ResizeObserver(() => {
      if (element.clientWidth > 0) fit.fit();
    });
    watcher.observe(element);
    const themes = new MutationObserver(() => {
      terminal.options.theme = colours();
    });
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });

    return () => {
      watcher.disconnect();
      themes.disconnect();
      typing.dispose();
      resizing.dispose();
      if (id !== null) backend.call("close_terminal", { terminal: id }).catch(failed);
      stop();
      terminal.dispose();
    };
  }, [backend, container.id, onPhase, onSize]);

  return (
    <div
      ref={place}
      role="group"
      aria-label={text.terminal.label(container.name)}
      data-testid="terminal"
      className="min-h-0 flex-1 overflow-hidden px-4 py-2"
    />
  );
}

/** True while somebody moves through the list: then the terminal must not take the keys. */
function rowHasFocus(): boolean {
  const focused = document.activeElement;
  return focused instanceof HTMLElement && focused.dataset["row"] !== undefined;
}

/** WebGL where it works; where not, or when the card takes it away, the terminal draws with the document. */
async function drawWithGraphicsCard(terminal: Terminal): Promise<void> {
  if (!hasFastGraphics()) return;
  try {
    const { WebglAddon } = await import("@xterm/addon-webgl");
    const addon = new WebglAddon();
    addon.onContextLoss(() => addon.dispose());
    terminal.loadAddon(addon);
  } catch {
    // The document renderer is already in place.
  }
}

/** False where WebGL is only imitated in software: that is slower than the document, and blank on some machines. */
function hasFastGraphics(): boolean {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return context !== null;
}

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** The terminal's colours from the design tokens; the sixteen follow the status colours. */
function colours(): ITheme {
  return {
    background: css("--term-bg"),
    foreground: css("--text"),
    cursor: css("--text"),
    cursorAccent: css("--term-bg"),
    selectionBackground: css("--selected-strong"),
    black: css("--press"),
    red: css("--bad-text"),
    green: css("--ok-text"),
    yellow: css("--warn-text"),
    blue: css("--accent-text"),
    magenta: css("--data-2"),
    cyan: css("--data"),
    white: css("--text-2"),
    brightBlack: css("--text-3"),
    brightRed: css("--bad"),
    brightGreen: css("--ok"),
    brightYellow: css("--warn"),
    brightBlue: css("--focus"),
    brightMagenta: css("--data-2"),
    brightCyan: css("--accent-text"),
    brightWhite: css("--text"),
  };
}
