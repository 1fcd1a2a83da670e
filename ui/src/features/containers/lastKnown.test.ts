import { expect, test } from "vitest";
import { CONTAINERS, HOSTS } from "../../backend/fake/data";
import { withLastKnown } from "./lastKnown";

const names = (containers: readonly { name: string }[]) => containers.map(({ name }) => name);
const ofForge = CONTAINERS.filter(({ host }) => host === "forge");
const [local, forge] = HOSTS;
if (!local || !forge) throw new Error("the fake has two hosts that answer");

test("a host that falls silent keeps its rows, the others stay live", () => {
  const list = {
    containers: CONTAINERS.filter(({ host }) => host === "default"),
    unreachable: [forge],
  };
  const shown = withLastKnown(CONTAINERS, list, [local, { ...forge, state: "notAnswering" }]);
  expect(names(shown)).toEqual([...names(list.containers), ...names(ofForge)]);
});

test("a host that answers has the last word: what it does not list is gone", () => {
  const list = { containers: [], unreachable: [] };
  expect(withLastKnown(ofForge, list, [local, forge])).toEqual([]);
});

test("what is listed is never shown twice", () => {
  const list = { containers: ofForge, unreachable: [forge] };
  expect(withLastKnown(ofForge, list, [forge])).toEqual(ofForge);
});
