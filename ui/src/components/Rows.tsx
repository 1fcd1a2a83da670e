import { useRef, useState, type KeyboardEvent, type ReactNode } from "react";

/**
 * Rows of which one can be chosen. Tab reaches one row, arrows move from there, Enter opens; letters act through
 * `onKey`.
 */
export function Rows<T>({
  label,
  items,
  keyOf,
  nameOf,
  chosen,
  onOpen,
  onKey,
  dim,
  children,
}: {
  label: string;
  items: readonly T[];
  keyOf: (item: T) => string;
  /** The row in words, for screen readers. */
  nameOf: (item: T) => string;
  /** Key of the chosen row. */
  chosen: string | null;
  onOpen: (item: T) => void;
  /** Another key on a row; answers whether it did anything. */
  onKey?: (key: string, item: T) => boolean;
  /** Rows that are past. */
  dim?: (item: T) => boolean;
  /** The cells of a row, each with the role `gridcell`. */
  children: (item: T) => ReactNode;
}) {
  const grid = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<string | null>(null);
  const keys = items.map(keyOf);
  const current = [active, chosen].find((key) => key !== null && keys.includes(key)) ?? keys[0];

  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (!(event.target instanceof HTMLElement) || !event.target.dataset["row"]) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const index = keys.indexOf(event.target.dataset["row"]);
    const item = items[index];
    if (!item) return;
    const next = MOVES[event.key]?.(index, keys.length);
    if (next !== undefined) {
      event.preventDefault();
      grid.current?.querySelectorAll<HTMLElement>("[data-row]")[next]?.focus();
      const target = items[next];
      // An open pane follows.
      if (chosen !== null && target) onOpen(target);
    } else if (event.key === "Enter") {
      event.preventDefault();
      onOpen(item);
    } else if (onKey?.(event.key.length === 1 ? event.key.toLowerCase() : event.key, item)) {
      event.preventDefault();
    }
  };

  return (
    <div ref={grid} role="grid" tabIndex={-1} aria-label={label} onKeyDown={onKeyDown}>
      {items.map((item) => {
        const key = keyOf(item);
        return (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the grid holds the keys
          <div
            key={key}
            role="row"
            data-row={key}
            aria-selected={key === chosen}
            aria-label={nameOf(item)}
            tabIndex={key === current ? 0 : -1}
            className={`row group gap-3 ${dim?.(item) ? "text-3" : ""}`}
            onClick={() => onOpen(item)}
            onFocus={() => setActive(key)}
          >
            {children(item)}
          </div>
        );
      })}
    </div>
  );
}

const MOVES: Record<string, (index: number, length: number) => number> = {
  ArrowDown: (index, length) => Math.min(index + 1, length - 1),
  ArrowUp: (index) => Math.max(index - 1, 0),
  Home: () => 0,
  End: (_index, length) => length - 1,
};

/** Acts at the end of a row, shown on hover and focus. They are no clicks on the row. */
export function RowActs({ children, always = false }: { children: ReactNode; always?: boolean }) {
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- only keeps the pointer's acts from the row
    <span
      role="gridcell"
      onClick={(event) => event.stopPropagation()}
      className={
        always
          ? "flex flex-none items-center gap-2"
          : "absolute inset-y-0 right-0 hidden items-center gap-2 bg-hover pr-3 pl-4 group-focus-within:flex group-hover:flex group-aria-selected:bg-selected"
      }
    >
      {children}
    </span>
  );
}
