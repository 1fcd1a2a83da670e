import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { BUILD_PROBLEM, TRUST } from "../../backend/fake/data";
import { expectAccessible, renderApp, row } from "../../test/render";

async function sheetFor(source: string) {
  const app = renderApp();
  await row("atlas-api");
  await app.user.keyboard("{Control>}n{/Control}");
  const sheet = await screen.findByRole("dialog", { name: "New container" });
  // The field has the focus already.
  await app.user.paste(source);
  return { ...app, sheet };
}

test("rights start unticked, and the button waits until all are allowed", async () => {
  const { backend, user, sheet } = await sheetFor("/home/wren/src/ledger-sync");
  const boxes = await within(sheet).findAllByRole("checkbox");
  expect(boxes).toHaveLength(TRUST.items.length);
  expect(boxes.some((box) => (box as HTMLInputElement).checked)).toBe(false);
  const button = within(sheet).getByTestId("create");
  expect(button).toHaveProperty("disabled", true);
  expect(within(sheet).getByText("Waits for 5 of 5 rights")).toBeDefined();
  await expectAccessible();

  for (const box of boxes) await user.click(box);
  expect(button.textContent).toContain("Allow 5 and create");
  await user.click(button);
  await screen.findByText("Creating ledger-sync", { selector: "[data-testid=job-title]" });
  expect(backend.calls.findLast((call) => call.name === "up")?.request).toMatchObject({
    source: "/home/wren/src/ledger-sync",
    trust: TRUST.hash,
  });
});

test("another configuration asks for consent anew", async () => {
  const { user, sheet } = await sheetFor("/home/wren/src/ledger-sync");
  await user.click(await within(sheet).findByRole("button", { name: "Allow all" }));
  expect(within(sheet).getByText("5 of 5 allowed")).toBeDefined();
  await user.click(within(sheet).getByRole("radio", { name: /gpu/ }));
  await waitFor(() =>
    expect(within(sheet).getByRole("radio", { name: /gpu/ })).toHaveProperty("checked", true),
  );
});

test("a source that asks for nothing is made at once, under the chosen name", async () => {
  const { backend, user, sheet } = await sheetFor("/home/wren/src/plain");
  const name = await within(sheet).findByRole("textbox", { name: "Name" });
  await user.clear(name);
  await user.type(name, "other");
  expect(within(sheet).getByText("ssh other.devctl")).toBeDefined();
  await user.click(within(sheet).getByTestId("create"));
  await waitFor(() =>
    expect(backend.calls.findLast((call) => call.name === "up")?.request).toMatchObject({
      name: "other",
    }),
  );
  const request = backend.calls.findLast((call) => call.name === "up")?.request;
  expect(request).not.toHaveProperty("trust");
});

test("a folder that is not there says so by its code", async () => {
  const { sheet } = await sheetFor("/nowhere");
  expect(await within(sheet).findByText("folder.not_found")).toBeDefined();
  expect(within(sheet).getByTestId("create")).toHaveProperty("disabled", true);
});

test("a job shows its steps and log, and how it ended", async () => {
  const { backend, user, sheet } = await sheetFor("/home/wren/src/plain");
  await waitFor(() =>
    expect(within(sheet).getByTestId("create")).toHaveProperty("disabled", false),
  );
  await user.click(within(sheet).getByTestId("create"));
  await screen.findByText("Pull rust:1.91-bookworm");
  expect(screen.getByText("Cancel removes what was made, keeps the image cache")).toBeDefined();
  await expectAccessible();
  backend.endJob("job-1");
  expect(await screen.findByText("plain is ready")).toBeDefined();
  await waitFor(() => expect(screen.getAllByText("ssh plain.devctl").length).toBeGreaterThan(0));
});

test("a failure shows what, code, where, last lines, fixes and what is safe", async () => {
  const { backend, user, sheet } = await sheetFor("/home/wren/src/plain");
  await waitFor(() =>
    expect(within(sheet).getByTestId("create")).toHaveProperty("disabled", false),
  );
  await user.click(within(sheet).getByTestId("create"));
  await screen.findByText("Pull rust:1.91-bookworm");
  backend.endJob("job-1", BUILD_PROBLEM);
  expect(await screen.findByText("build.step_failed")).toBeDefined();
  expect(screen.getByText("devctl rebuild notebook-eda --no-cache")).toBeDefined();
  expect(screen.getByText("3 finished steps stay in the cache")).toBeDefined();
  expect(screen.getByText(/404 Not Found/)).toBeDefined();
  await expectAccessible();
});

test("what the image adds is asked in a second step, and up is called again with its hash", async () => {
  const { backend, user, sheet } = await sheetFor("/home/wren/src/plain");
  await waitFor(() =>
    expect(within(sheet).getByTestId("create")).toHaveProperty("disabled", false),
  );
  await user.click(within(sheet).getByTestId("create"));
  await screen.findByText("Pull rust:1.91-bookworm");
  backend.endJob("job-1", { ...BUILD_PROBLEM, code: "consent.required", trust: TRUST });
  const second = await screen.findByRole("dialog", { name: "plain asks for more" });
  expect(within(second).getByTestId("allow")).toHaveProperty("disabled", true);
  await user.click(within(second).getByRole("button", { name: "Allow all" }));
  await user.click(within(second).getByTestId("allow"));
  await waitFor(() =>
    expect(backend.calls.filter((call) => call.name === "up").at(-1)?.request).toMatchObject({
      trust: TRUST.hash,
    }),
  );
});

test.each([
  ["s", "start_container", "billing-etl"],
  ["r", "restart_container", "atlas-web"],
])("what a start runs on this computer is asked for: %s", async (key, operation, name) => {
  const { backend, user } = renderApp();
  await user.click(await row(name));
  await user.keyboard(key);
  await waitFor(() => expect(backend.calls.some((call) => call.name === operation)).toBe(true));
  const first = backend.calls.findLast((call) => call.name === operation)?.request;
  expect(first).not.toHaveProperty("trust");
  backend.endJob("job-1", { ...BUILD_PROBLEM, code: "consent.required", trust: TRUST });
  const toast = await screen.findByTestId("toast");
  await user.click(within(toast).getByRole("button", { name: "View" }));
  const sheet = await screen.findByRole("dialog", { name: `${name} asks for more` });
  expect(within(sheet).getByText(/runs a command of its configuration/)).toBeDefined();
  await user.click(within(sheet).getByRole("button", { name: "Allow all" }));
  await user.click(within(sheet).getByTestId("allow"));
  await waitFor(() =>
    expect(backend.calls.findLast((call) => call.name === operation)?.request).toEqual(
      Object.assign({}, first, { trust: TRUST.hash }),
    ),
  );
});

test("a job that ends out of sight leaves a toast that opens it", async () => {
  const { backend, user, sheet } = await sheetFor("/home/wren/src/plain");
  await waitFor(() =>
    expect(within(sheet).getByTestId("create")).toHaveProperty("disabled", false),
  );
  await user.click(within(sheet).getByTestId("create"));
  await screen.findByText("Pull rust:1.91-bookworm");
  await user.keyboard("{Escape}");
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  backend.endJob("job-1", BUILD_PROBLEM);
  const toast = await screen.findByTestId("toast");
  await user.click(within(toast).getByRole("button", { name: "View" }));
  expect(await screen.findByText("build.step_failed")).toBeDefined();
});
