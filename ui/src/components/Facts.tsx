import type { ReactNode } from "react";

/** Names and values of one object, in two columns. */
export function Facts({ children }: { children: ReactNode }) {
  return (
    <dl className="selectable grid grid-cols-[112px_1fr] gap-x-3 gap-y-1.5 [overflow-wrap:anywhere]">
      {children}
    </dl>
  );
}

/** One of them. What has no value is left out by the caller, not shown empty. */
export function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-3">{name}</dt>
      <dd className="min-w-0">{children}</dd>
    </>
  );
}
