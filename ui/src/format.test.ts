import { expect, test } from "vitest";
import { parse } from "./components/Diff";
import {
  ago,
  bytes,
  duration,
  parseSpan,
  shellWord,
  shortFingerprint,
  shortImage,
  shortPath,
  span,
  spanWords,
} from "./format";

test("spans name their two largest units", () => {
  expect(span(134 * 60_000)).toBe("2 h 14 min");
  expect(span(59_000)).toBe("59 s");
  expect(span(3 * 86_400_000)).toBe("3 d");
  expect(duration(40)).toBe("0.04 s");
  expect(duration(125_000)).toBe("2 min 5 s");
});

test("a moment that lies ahead by a skewed clock is now", () => {
  const now = Date.parse("2026-11-23T14:00:00Z");
  expect(ago("2026-11-23T14:00:05Z", now)).toBe("now");
  expect(ago("2026-11-17T13:00:00Z", now)).toBe("6 d");
  expect(ago(null, now)).toBe("–");
});

test("long names keep what tells them apart", () => {
  expect(shortImage("registry.example.org/team/torch-gpu:2.9")).toBe("…/torch-gpu:2.9");
  expect(shortImage("debian:bookworm")).toBe("debian:bookworm");
  expect(shortFingerprint("SHA256:mQ4cYp1bR8nS0uWv3xZ5t0Ws")).toBe("SHA256:mQ4c…t0Ws");
  const path = shortPath(`/home/wren/${"deep/".repeat(20)}atlas-api`);
  expect(path.length).toBeLessThanOrEqual(44);
  expect(path.endsWith("/atlas-api")).toBe(true);
});

test("sizes have three digits at most", () => {
  expect(bytes(4 * 1024 ** 3)).toBe("4 GiB");
  expect(bytes(1.44 * 1024 ** 3)).toBe("1.4 GiB");
  expect(bytes(512)).toBe("512 B");
});

test("a diff is numbered as the new file", () => {
  const lines = parse("--- a\n+++ b\n@@ -1,2 +1,3 @@\n+new\n old\n-gone\n last");
  expect(lines.map(({ number, sign }) => `${number}${sign}`)).toEqual(["1+", "2 ", "3-", "3 "]);
});

test("a path with odd characters is one word of a shell", () => {
  expect(shellWord("/home/wren/src")).toBe("/home/wren/src");
  expect(shellWord("/tmp/it's here")).toBe(String.raw`'/tmp/it'\''s here'`);
});

test("a span that somebody types is read, and written as they would", () => {
  expect(parseSpan("16h")).toBe(57_600);
  expect(parseSpan("1d 12h")).toBe(129_600);
  expect(parseSpan("90 min")).toBe(5400);
  for (const wrong of ["", "soon", "16", "16h x", "3y", "0h", "-1h"]) {
    expect(parseSpan(wrong), wrong).toBeNull();
  }
  for (const seconds of [1, 300, 57_600, 129_600, 604_800]) {
    expect(parseSpan(spanWords(seconds))).toBe(seconds);
  }
});
