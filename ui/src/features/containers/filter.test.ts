import { expect, test } from "vitest";
import { CONTAINERS } from "../../backend/fake/data";
import { fits, inWords, parseFilter } from "./filter";

const names = (input: string) =>
  CONTAINERS.filter((container) => fits(container, parseFilter(input))).map(({ name }) => name);

test("words of different kinds narrow, words of one kind widen", () => {
  expect(names("state:paused")).toEqual(["docs-site"]);
  expect(names("state:paused state:failed")).toEqual(["docs-site", "notebook-eda"]);
  expect(names("state:running host:forge image:node")).toEqual(["mobile-bff"]);
});

test("free words are all looked for, in any order and case", () => {
  expect(names("API atlas")).toEqual(["atlas-api"]);
  expect(names("api nothing")).toEqual([]);
});

test("a kind without a value and an unknown kind hide nothing by accident", () => {
  expect(names("state:")).toHaveLength(CONTAINERS.length);
  expect(parseFilter("color:red").text).toEqual(["color:red"]);
});

test("the filter can be said in words", () => {
  expect(inWords(parseFilter("state:running image:rust api"))).toBe(
    "state running, images with “rust”, names with “api”",
  );
});
