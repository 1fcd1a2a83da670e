import { useEffect, useState } from "react";
import { IconButton } from "../components/IconButton";
import { StatusGlyph } from "../components/StatusGlyph";
import { text } from "../text";
import { useApp, type Toast } from "./app-state";

const SHOWN_MS = 6000;

/** What ended out of sight, one at a time, bottom right. */
export function Toasts() {
  const { toasts } = useApp();
  const [first] = toasts;
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-4 z-60"
    >
      {first && <ToastCard key={first.id} toast={first} />}
    </div>
  );
}

function ToastCard({ toast }: { toast: Toast }) {
  const { dismiss, show } = useApp();
  const [held, setHeld] = useState(false);
  const { id, tone, opens } = toast;

  useEffect(() => {
    // A failure stays until somebody has seen it.
    if (tone === "failed" || held) return;
    const timer = setTimeout(() => dismiss(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [dismiss, held, id, tone]);

  return (
    <div
      data-testid="toast"
      className="pointer-events-auto flex w-78 items-start gap-2 rounded-panel bg-raised p-3 shadow-(--sh-menu)"
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
    >
      <StatusGlyph shape={tone} className="mt-0.5" />
      <span className="min-w-0 flex-1 [overflow-wrap:anywhere]">{toast.text}</span>
      {opens && (
        <button
          type="button"
          className="btn btn-small -my-0.5"
          onClick={() => {
            dismiss(id);
            show(opens);
          }}
        >
          {text.job.view}
        </button>
      )}
      <IconButton
        small
        icon="close"
        iconSize={13}
        label={text.common.close}
        className="-my-0.5"
        onClick={() => dismiss(id)}
      />
    </div>
  );
}
