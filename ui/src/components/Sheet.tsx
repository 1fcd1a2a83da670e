import * as Dialog from "@radix-ui/react-dialog";
import type { ReactNode } from "react";
import { text } from "../text";
import { IconButton } from "./IconButton";

interface Props {
  title: ReactNode;
  /** What Esc, the cross and a click beside the sheet do: leave without harm. */
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  width?: number;
  top?: number;
  /** Stands at the right of the title. */
  aside?: ReactNode;
  /** Left of the title. */
  glyph?: ReactNode;
  headClass?: string;
}

/** A sheet over the window: title, content that scrolls, and a foot with the act. */
export function Sheet({
  title,
  onClose,
  children,
  footer,
  width = 688,
  top = 56,
  aside,
  glyph,
  headClass = "pt-4 pb-2.5",
}: Props) {
  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content
          className="sheet max-row:top-0! max-row:h-full max-row:max-h-none! max-row:rounded-none"
          style={{ width: `min(${width}px, 100vw)`, top, maxHeight: `calc(100vh - ${top + 20}px)` }}
          aria-describedby={undefined}
          onOpenAutoFocus={keepFieldFocus}
        >
          <header className={`flex flex-none items-center gap-2 px-5 ${headClass}`}>
            {glyph}
            <Dialog.Title className="min-w-0 flex-1 truncate text-head">{title}</Dialog.Title>
            {aside}
            <Dialog.Close asChild>
              <IconButton icon="close" label={text.common.close} />
            </Dialog.Close>
          </header>
          <div className="flex min-h-0 flex-1 flex-col overflow-y-auto">{children}</div>
          {footer && (
            <footer className="flex min-h-14 flex-none flex-wrap items-center gap-2 border-t border-line px-5 py-3">
              {footer}
            </footer>
          )}
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

/** A field of the sheet that took the focus keeps it; else the sheet has it, not its cross. */
function keepFieldFocus(event: Event): void {
  event.preventDefault();
  const sheet = event.currentTarget;
  if (sheet instanceof HTMLElement && !sheet.contains(document.activeElement)) sheet.focus();
}
