import { QueryClientProvider } from "@tanstack/react-query";
import { render } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { expect } from "vitest";
import { App } from "../app/App";
import { AppProvider, type Place } from "../app/app-state";
import { createQueryClient } from "../backend/cache";
import { BackendProvider } from "../backend/context";
import { FakeBackend } from "../backend/fake";

/** The whole window over a core in memory. */
export function renderApp(scene = "full", at: Partial<Place> = {}) {
  const backend = new FakeBackend(scene);
  const user = userEvent.setup();
  const view = render(
    <QueryClientProvider client={createQueryClient()}>
      <BackendProvider value={backend}>
        <AppProvider at={at}>
          <App />
        </AppProvider>
      </BackendProvider>
    </QueryClientProvider>,
  );
  return { backend, user, ...view };
}

/** Fails when axe finds anything; colours are looked at in the real window, jsdom has none. */
export async function expectAccessible(): Promise<void> {
  const { violations } = await axe.run(document.body, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  expect(
    violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n")}`),
  ).toEqual([]);
}
