import { text } from "./text";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A span in its two largest units: `2 h 14 min`, `7 h 42 m` with `short`. */
export function span(ms: number): string {
  const t = Math.max(0, ms);
  if (t < MINUTE) return `${Math.floor(t / 1000)} s`;
  if (t < HOUR) return `${Math.floor(t / MINUTE)} min`;
  if (t < DAY) {
    const minutes = Math.floor((t % HOUR) / MINUTE);
    const hours = `${Math.floor(t / HOUR)} h`;
    return minutes ? `${hours} ${minutes} min` : hours;
  }
  return `${Math.floor(t / DAY)} d`;
}

/** How long something took: `0.04 s`, `5.1 s`, `2 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms < MINUTE) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / MINUTE)} min ${Math.floor((ms % MINUTE) / 1000)} s`;
}

/** A moment for a narrow column: `now`, `12 min`, `3 h`, `6 d`, then the date. */
export function ago(iso: string | null, now: number): string {
  if (!iso) return text.common.none;
  const t = now - Date.parse(iso);
  if (t < MINUTE) return text.common.now;
  if (t < HOUR) return `${Math.floor(t / MINUTE)} min`;
  if (t < DAY) return `${Math.floor(t / HOUR)} h`;
  if (t < 30 * DAY) return `${Math.floor(t / DAY)} d`;
  return day(iso);
}

/** `12 Nov`, with the year when it is another one. */
export function day(iso: string): string {
  const date = new Date(iso);
  const sameYear = date.getFullYear() === new Date().getFullYear();
  return date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
}

/** `14:02:47`. */
export function clock(iso: string): string {
  return new Date(iso).toLocaleTimeString("en-GB");
}

/** The exact moment, for tooltips. */
export function exact(iso: string | null): string | undefined {
  return iso ? new Date(iso).toLocaleString("en-GB") : undefined;
}

/** `1.4 GiB`, `512 MiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${value >= 10 || Number.isInteger(value) ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** An image's name shortened at the front: `…/torch-gpu:2.9`. */
export function shortImage(image: string, limit = 24): string {
  if (image.length <= limit) return image;
  if (image.startsWith("sha256:")) return image.slice(0, 19);
  const tail = image.split("/").at(-1) ?? image;
  return tail.length < image.length ? `…/${tail}` : image;
}

/** A path shortened in the middle, its last part whole where that fits. */
export function shortPath(path: string, limit = 44): string {
  if (path.length <= limit) return path;
  const keep = Math.max(path.length - path.lastIndexOf("/"), Math.floor(limit / 2));
  const tail = path.slice(-Math.min(keep, limit - 8));
  return `${path.slice(0, limit - tail.length - 1)}…${tail}`;
}

/** `SHA256:mQ4c…t0Ws`. */
export function shortFingerprint(fingerprint: string): string {
  const [kind, hash] = fingerprint.split(":");
  return hash && hash.length > 12 ? `${kind}:${hash.slice(0, 4)}…${hash.slice(-4)}` : fingerprint;
}

/** Splits a list by a key, keeping order. */
export function groupBy<T>(items: readonly T[], key: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group) group.push(item);
    else groups.set(key(item), [item]);
  }
  return groups;
}

/** A word that a shell reads as this text. */
export function shellWord(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

const UNITS: Record<string, number> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400, w: 604_800 };

/** Seconds of `16h`, `1d 12h`, `90 min`; null where it is no span, or none at all. */
export function parseSpan(words: string): number | null {
  const parts = words
    .trim()
    .toLowerCase()
    .match(/\d+\s*[a-z]+/g);
  if (!parts || words.replaceAll(/\d+\s*[a-z]+|\s/gi, "") !== "") return null;
  let seconds = 0;
  for (const part of parts) {
    const [, amount, unit] = /^(\d+)\s*([a-z]+)$/.exec(part) ?? [];
    const size = UNITS[unit ?? ""];
    if (size === undefined) return null;
    seconds += Number(amount) * size;
  }
  return seconds > 0 ? seconds : null;
}

/** `16h`, `1d 12h`: what {@link parseSpan} reads. */
export function spanWords(seconds: number): string {
  const words: string[] = [];
  let rest = seconds;
  for (const unit of ["d", "h", "m", "s"]) {
    const size = UNITS[unit] ?? 1;
    const amount = Math.floor(rest / size);
    rest %= size;
    if (amount > 0) words.push(`${amount}${unit}`);
  }
  return words.join(" ") || "0s";
}

/** The words of a list that somebody typed with spaces or commas between them. */
export function words(list: string): string[] {
  return list.split(/[\s,]+/).filter(Boolean);
}
