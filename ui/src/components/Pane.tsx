import type { ReactNode } from "react";
import { text } from "../text";
import { IconButton } from "./IconButton";

/** The pane beside a list: head, content that scrolls, and a foot with the acts. Under 1000 px it covers the list. */
export function Pane({
  label,
  title,
  glyph,
  aside,
  onClose,
  children,
  footer,
}: {
  /** Its name for screen readers. */
  label: string;
  title: ReactNode;
  glyph?: ReactNode;
  aside?: ReactNode;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
}) {
  return (
    <aside
      aria-label={label}
      data-testid="pane"
      className="flex min-h-0 w-102 flex-none flex-col border-l border-line max-wide:w-auto max-wide:flex-1 max-wide:border-l-0"
    >
      <header className="flex h-12 flex-none items-center gap-2 pr-2 pl-4">
        {glyph}
        <h2 className="min-w-0 truncate text-head">{title}</h2>
        {aside}
        <span className="flex-1" />
        <IconButton icon="close" label={text.common.close} keys={["Esc"]} onClick={onClose} />
      </header>
      <div className="selectable flex min-h-0 flex-1 flex-col gap-4 overflow-y-auto border-t border-line px-4 py-3">
        {children}
      </div>
      {footer && (
        <footer className="flex min-h-13 flex-none flex-wrap items-center gap-2 border-t border-line px-4 py-2.5">
          {footer}
        </footer>
      )}
    </aside>
  );
}
