import type { AuthorityInfo } from "../../generated/types";
import { text } from "../../text";

/** The phases that have a point; a revoked authority stands at the last one. */
export const POINTS = ["new", "trusted", "signing", "retired"] as const;

/** Where an authority stands: a phase, or behind signing where another signs in its place. */
export type Standing = keyof typeof text.ssh.authority.phaseWords;

/** Where an authority stands among all of its kind. */
export function standing(authority: AuthorityInfo, all: readonly AuthorityInfo[]): Standing {
  const later = all.some(
    (other) =>
      other.kind === authority.kind &&
      other.phase === "signing" &&
      other.generation > authority.generation,
  );
  return authority.phase === "trusted" && later ? "followed" : authority.phase;
}

/** How many points lie behind, in halves: between two points is the way from one to the next. */
const AT: Record<Standing, number> = {
  new: 0,
  trusted: 1,
  signing: 2,
  followed: 2.5,
  retired: 3,
  revoked: 3,
};

const STEP = 48;
const LEFT = 12;
const WIDTH = LEFT * 2 + STEP * 3;

function x(point: number): number {
  return LEFT + point * STEP;
}

/** The life of an authority as four points: what is past is small, where it is now is large. */
export function PhaseTrack({ at }: { at: Standing }) {
  const now = AT[at];
  const over = now === 3;
  return (
    <svg
      width={WIDTH}
      height="20"
      viewBox={`0 0 ${WIDTH} 20`}
      role="img"
      aria-label={text.ssh.authority.phaseWords[at]}
      data-standing={at}
      className="flex-none"
    >
      <path d={`M${x(0)} 10H${x(3)}`} stroke="var(--line-strong)" strokeWidth="1.5" />
      <path d={`M${x(0)} 10H${x(now)}`} stroke="var(--edge)" strokeWidth="1.5" />
      {POINTS.map((point, index) =>
        index < now ? (
          <circle key={point} cx={x(index)} cy="10" r="2.5" fill="var(--edge)" />
        ) : (
          <circle
            key={point}
            cx={x(index)}
            cy="10"
            r="3"
            fill="var(--panel)"
            stroke="var(--edge)"
            strokeWidth="1.2"
          />
        ),
      )}
      {!over && <circle cx={x(now)} cy="10" r="7" fill="var(--accent)" opacity="0.3" />}
      <circle
        cx={x(now)}
        cy="10"
        r="4"
        fill={at === "revoked" ? "var(--bad)" : over ? "var(--edge)" : "var(--accent)"}
      />
    </svg>
  );
}

/** The names of the points, over them. */
export function PhaseHead() {
  return (
    <span className="relative flex-none" style={{ width: WIDTH, height: 16 }} aria-hidden="true">
      {POINTS.map((point, index) => (
        <span
          key={point}
          className="absolute -translate-x-1/2"
          style={{ left: LEFT + index * STEP }}
        >
          {text.ssh.phase[point]}
        </span>
      ))}
    </span>
  );
}
