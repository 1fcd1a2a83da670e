import { text } from "../text";

const WIDTHS = [128, 96, 144, 112, 88, 136, 104, 120];

/** Rows of the true height while a list is read. Shows nothing in the first 150 ms. */
export function SkeletonRows({ rows = 6 }: { rows?: number }) {
  return (
    <div role="status" aria-label={text.common.loading}>
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="flex h-9 items-center gap-2 px-4">
          <span className="skeleton size-3.5 rounded-full" />
          <span className="skeleton h-2.5" style={{ width: WIDTHS[index % WIDTHS.length] }} />
          <span className="skeleton ml-auto h-2.5 w-14" />
        </div>
      ))}
    </div>
  );
}
