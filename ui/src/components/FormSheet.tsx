import type { FormEvent, ReactNode } from "react";
import { problemOf } from "../backend/backend";
import { text } from "../text";
import { Keys } from "./Keys";
import { ProblemView } from "./ProblemView";
import { Sheet } from "./Sheet";

/** A sheet that asks for a few things and then does one act. Ctrl Enter does it from every field. */
export function FormSheet({
  title,
  act,
  danger = false,
  waits = null,
  pending,
  error,
  onAct,
  onClose,
  width = 600,
  aside,
  children,
}: {
  title: string;
  /** The word on its button. */
  act: string;
  /** The act takes something away. */
  danger?: boolean;
  /** What is still missing; the button waits for it. */
  waits?: string | null;
  pending: boolean;
  /** Why the act failed, as thrown. */
  error: unknown;
  onAct: () => void;
  onClose: () => void;
  width?: number;
  /** Left in the foot. */
  aside?: ReactNode;
  children: ReactNode;
}) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!pending && waits === null) onAct();
  };
  return (
    <Sheet
      title={title}
      width={width}
      top={72}
      onClose={onClose}
      footer={
        <>
          <span className="min-w-0 flex-1">{aside}</span>
          {waits && <span className="text-small text-3">{waits}</span>}
          <button type="button" className="btn" onClick={onClose}>
            {text.common.cancel}
          </button>
          <button
            type="submit"
            form="form-sheet"
            className={`btn ${danger ? "btn-danger-solid" : "btn-primary"}`}
            disabled={pending || waits !== null}
          >
            {act}
            {!danger && <Keys keys={["Ctrl", "↵"]} />}
          </button>
        </>
      }
    >
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the key works in every field of the form */}
      <form
        id="form-sheet"
        className="flex flex-col gap-4 px-5 pb-5 outline-none"
        onSubmit={submit}
        onKeyDown={(event) => {
          // What takes something away is asked for with its button.
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !danger) submit(event);
        }}
        ref={takeKeys}
        tabIndex={-1}
      >
        {children}
        {error !== null && error !== undefined && <ProblemView problem={problemOf(error)} />}
      </form>
    </Sheet>
  );
}

/** A form without a field that took the focus has it itself, so that its key works. */
function takeKeys(form: HTMLFormElement | null): void {
  if (form && !form.contains(document.activeElement)) form.focus();
}
