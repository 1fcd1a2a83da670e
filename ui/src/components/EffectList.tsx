import type { ReactNode } from "react";
import { StatusGlyph } from "./StatusGlyph";

/** What an act does, takes or leaves: a titled list with one shape before each line. */
export function EffectList({
  title,
  shape,
  children,
}: {
  title: ReactNode;
  shape: "done" | "failed";
  children: readonly string[];
}) {
  return (
    <section className="selectable">
      <h3 className="mb-1.5 text-2">{title}</h3>
      <ul className="flex flex-col gap-1">
        {children.map((line) => (
          <li key={line} className="flex gap-2">
            <StatusGlyph shape={shape} className="mt-0.5" />
            <span className="min-w-0 [overflow-wrap:anywhere]">{line}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
