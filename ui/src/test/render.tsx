import { QueryClientProvider } from "@tanstack/react-query";
import { render, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import { expect } from "vitest";
import { App } from "../app/App";
import { AppProvider, type Place } from "../app/app-state";
import type { OperationName } from "../backend/backend";
import { createQueryClient } from "../backend/cache";
import { BackendProvider } from "../backend/context";
import { FakeBackend } from "../backend/fake";

/** The whole window over a core in memory. */
export function renderApp(scene = "full", at: Partial<Place> = {}) {
  const backend = new FakeBackend(scene);
  const user = userEvent.setup({ delay: null, pointerEventsCheck: 0 });
  const client = createQueryClient();
  const view = render(
    <QueryClientProvider client={client}>
      <BackendProvider value={backend}>
        <AppProvider at={at}>
          <App />
        </AppProvider>
      </BackendProvider>
    </QueryClientProvider>,
  );
  return { backend, user, client, ...view };
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

/** The row of that container, once it is there. Looked up directly: roles and names of a whole table take seconds here. */
export function row(name: string): Promise<HTMLElement> {
  return waitFor(() => {
    const found = findRow(name);
    if (!found) throw new Error(`there is no row ${name}`);
    return found;
  });
}

export function findRow(name: string): HTMLElement | null {
  return document.querySelector<HTMLElement>(`[role="row"][data-name="${name}"]`);
}

/** The row of a list that is named like this, once it is there. */
export function line(name: RegExp): Promise<HTMLElement> {
  return waitFor(() => {
    const found = findLine(name);
    if (!found) throw new Error(`there is no row ${name}`);
    return found;
  });
}

export function findLine(name: RegExp): HTMLElement | undefined {
  return [...document.querySelectorAll<HTMLElement>("[role=row][aria-label]")].find((row) =>
    name.test(row.getAttribute("aria-label") ?? ""),
  );
}

/** The last request of an operation. */
export function lastRequest(backend: FakeBackend, name: OperationName): unknown {
  return backend.calls.findLast((call) => call.name === name)?.request;
}
