import { screen, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { expectAccessible, lastRequest, renderApp, row } from "../../test/render";

describe("idle containers", () => {
  test("say since when nobody uses them and when they stop, and are kept awake by a click", async () => {
    const { backend, user } = renderApp();
    (await row("atlas-api")).focus();
    await user.keyboard("{Enter}");
    const pane = await screen.findByRole("complementary", { name: "Container atlas-api" });
    expect(await within(pane).findByText(/^Idle for 1\d min, stops in 3\d min$/)).toBeDefined();
    await user.click(within(pane).getByRole("button", { name: "Keep awake for 2 h" }));
    expect(await within(pane).findByText(/^Kept awake for/)).toBeDefined();
    expect(lastRequest(backend, "keep_awake")).toMatchObject({ minutes: 120 });
    await expectAccessible();
    await user.click(within(pane).getByRole("button", { name: "Let it sleep" }));
    expect(await within(pane).findByText(/^Idle for/)).toBeDefined();
  });

  test("the service is installed and uninstalled in the settings", async () => {
    const { user } = renderApp("full", { view: "settings" });
    await user.click(await screen.findByRole("button", { name: "Install" }));
    expect(await screen.findByText(/Runs as process 4711/)).toBeDefined();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Uninstall" }));
    expect(await screen.findByText(/Not installed/)).toBeDefined();
  });
});
