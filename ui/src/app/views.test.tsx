import { screen, waitFor, within } from "@testing-library/react";
import { expect, test } from "vitest";
import { expectAccessible, renderApp, row } from "../test/render";

test("hosts: engines with their state, and the checks with what mends them", async () => {
  renderApp("full", { view: "hosts" });
  expect(await screen.findByText("tcp://attic.lan:2376")).toBeDefined();
  expect(await screen.findByText("devctl ssh install")).toBeDefined();
  await expectAccessible();
});

test("ssh: the line is added after its diff was seen, and the view follows", async () => {
  const { backend, user } = renderApp("full", { view: "ssh" });
  expect(await screen.findByText("The Include line is not there yet")).toBeDefined();
  expect((await screen.findByTestId("diff")).textContent).toContain(
    'Include "~/.ssh/devctl/config"',
  );
  await expectAccessible();
  await user.click(screen.getByRole("button", { name: "Add the line" }));
  expect(await screen.findByText("The Include line is in place")).toBeDefined();
  expect(backend.installed).toBe(true);
});

test("activity: newest act first, failures by their code", async () => {
  renderApp("full", { view: "activity" });
  expect(await screen.findByText("build.step_failed")).toBeDefined();
  const [first] = screen.getAllByRole("listitem");
  expect(first?.textContent).toContain("atlas-api");
  await expectAccessible();
});

test("settings: a changed value goes to the core, and Default brings it back", async () => {
  const { backend, user } = renderApp("full", { view: "settings" });
  const field = await screen.findByRole("textbox", { name: "ssh.certificateHours" });
  await expectAccessible();
  await user.clear(field);
  await user.type(field, "8{Enter}");
  await waitFor(() =>
    expect(backend.calls.findLast((call) => call.name === "set_setting")?.request).toEqual({
      key: "ssh.certificateHours",
      value: 8,
    }),
  );
  const row = field.closest<HTMLElement>("[data-setting]");
  await user.click(within(row as HTMLElement).getByRole("button", { name: "Default" }));
  await waitFor(() => expect(field).toHaveProperty("value", "12"));
});

test("the palette reaches a container by a few letters", async () => {
  const { user } = renderApp();
  await row("atlas-api");
  await user.keyboard("{Control>}k{/Control}");
  await user.keyboard("ledger");
  await expectAccessible();
  await user.keyboard("{Enter}");
  expect(await screen.findByRole("complementary", { name: "Container ledger-db" })).toBeDefined();
});

test("the keys are listed under ?", async () => {
  const { user } = renderApp();
  await row("atlas-api");
  await user.keyboard("?");
  expect(await screen.findByRole("dialog", { name: "Keys" })).toBeDefined();
  await expectAccessible();
});

test("the certificate's validity is in sight", async () => {
  renderApp();
  expect(await screen.findByRole("button", { name: /^Certificate: 7 h 41 m/ })).toBeDefined();
});
