import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// What the browser has and jsdom has not.
vi.stubGlobal("matchMedia", (query: string) => ({
  matches: false,
  media: query,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
}));
vi.stubGlobal(
  "ResizeObserver",
  class {
    observe() {}
    unobserve() {}
    disconnect() {}
  },
);
Object.assign(Element.prototype, {
  scrollIntoView: () => undefined,
  scrollTo: () => undefined,
  hasPointerCapture: () => false,
  setPointerCapture: () => undefined,
  releasePointerCapture: () => undefined,
});
// Virtual lists ask for the room that they have.
Object.defineProperties(HTMLElement.prototype, {
  clientHeight: { get: () => 800 },
  clientWidth: { get: () => 1200 },
  offsetHeight: { get: () => 20 },
});
HTMLCanvasElement.prototype.getContext = () => null;

// A busy machine is slow, not wrong.
configure({ asyncUtilTimeout: 8000 });

afterEach(cleanup);
