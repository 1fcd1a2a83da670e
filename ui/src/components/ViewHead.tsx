import type { ReactNode } from "react";

/** The head of a view: title, count, and what can be done, 48 px. */
export function ViewHead({
  title,
  count,
  children,
}: {
  title: string;
  count?: number | undefined;
  children?: ReactNode;
}) {
  return (
    <header className="flex h-12 flex-none items-center gap-2 pr-3 pl-4">
      <h1 className="text-title">{title}</h1>
      {count !== undefined && <span className="text-3">{count}</span>}
      <div className="ml-auto flex min-w-0 items-center gap-2">{children}</div>
    </header>
  );
}
