import { expect, test } from "vitest";
import { freezeObjectPrototype } from "./harden";

const frozen = () => {
  const prototype: { toString: () => string; extra?: string } = { toString: () => "first" };
  freezeObjectPrototype(prototype);
  return prototype;
};

test("an object may still have its own of what it inherits", () => {
  const object = Object.create(frozen()) as { toString: () => string };
  expect(object.toString()).toBe("first");
  object.toString = () => "own";
  expect(object.toString()).toBe("own");
});

test("nobody changes, adds or redefines what all objects inherit", () => {
  const prototype = frozen();
  expect(() => (prototype.toString = () => "other")).toThrow(TypeError);
  expect(() => (prototype.extra = "added")).toThrow(TypeError);
  expect(() => Object.defineProperty(prototype, "toString", { value: () => "other" })).toThrow(
    TypeError,
  );
  expect((Object.create(prototype) as { toString: () => string }).toString()).toBe("first");
});
