import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { before } from "../../backend/fake/data";
import { expectAccessible, findRow, renderApp, row } from "../../test/render";

describe("the list of containers", () => {
  test("shows containers by host, and greys those of a host that does not answer", async () => {
    renderApp();
    expect(await row("atlas-api")).toHaveProperty("dataset.state", "running");
    expect(await row("legacy-portal")).toHaveProperty("dataset.state", "unknown");
    expect(screen.getByRole("button", { name: /This computer/, expanded: true })).toBeDefined();
    await expectAccessible();
  });

  test("a change that the core tells of reaches the row without a click", async () => {
    const { backend } = renderApp();
    await row("atlas-web");
    backend.patch("atlas-web", { state: "stopped", finishedAt: before(0) });
    await waitFor(async () =>
      expect(await row("atlas-web")).toHaveProperty("dataset.state", "stopped"),
    );
  });

  test("the filter language narrows, and nothing left says what hides them", async () => {
    const { user } = renderApp();
    await row("atlas-api");
    await user.keyboard("/");
    await user.keyboard("state:running image:node");
    await waitFor(() => expect(findRow("atlas-api")).toBeNull());
    expect(await row("atlas-web")).toBeDefined();
    await user.keyboard(" nothing-like-it");
    expect(await screen.findByText("Nothing fits the filter")).toBeDefined();
    expect(screen.getByText(/12 containers are hidden/)).toBeDefined();
    await user.click(screen.getAllByRole("button", { name: "Clear filter" })[1] as HTMLElement);
    expect(await row("atlas-api")).toBeDefined();
  });

  test("arrows move, Enter opens, letters act", async () => {
    const { backend, user } = renderApp();
    (await row("atlas-api")).focus();
    await user.keyboard("{ArrowDown}");
    await waitFor(async () => expect(document.activeElement).toBe(await row("atlas-web")));
    await user.keyboard("{Enter}");
    expect(await screen.findByRole("complementary", { name: "Container atlas-web" })).toBeDefined();
    await expectAccessible();
    (await row("atlas-web")).focus();
    await user.keyboard("s");
    await waitFor(() =>
      expect(backend.calls.findLast((call) => call.name === "stop_container")).toBeDefined(),
    );
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByRole("complementary")).toBeNull());
  });

  test("ten thousand containers put only those in sight into the document", async () => {
    renderApp("thousands");
    await row("atlas-api-0");
    expect(document.querySelectorAll("[role=row]").length).toBeLessThan(100);
  });

  test("removing names what goes and what stays before it is done", async () => {
    const { backend, user } = renderApp();
    (await row("atlas-api")).focus();
    await user.keyboard("{Delete}");
    const sheet = await screen.findByRole("dialog", { name: "Remove atlas-api" });
    expect(await within(sheet).findByText("Network devctl-atlas-api")).toBeDefined();
    expect(within(sheet).getByText("The folder /home/wren/src/atlas-api")).toBeDefined();
    expect(within(sheet).getByText("Volume atlas-cargo")).toBeDefined();
    await expectAccessible();
    expect(backend.containers.some((container) => container.name === "atlas-api")).toBe(true);
    await user.click(within(sheet).getByRole("button", { name: "Remove" }));
    await waitFor(() => expect(findRow("atlas-api")).toBeNull());
  });
});

describe("when there is nothing to list", () => {
  test("the empty view offers the real input", async () => {
    const { user } = renderApp("empty");
    expect(await screen.findByText("No containers yet")).toBeDefined();
    await expectAccessible();
    await user.type(
      screen.getByRole("textbox", { name: "Folder or image" }),
      "debian:bookworm{Enter}",
    );
    expect(await screen.findByRole("dialog", { name: "New container" })).toBeDefined();
  });

  test("a missing engine is explained, and the list comes back by itself", async () => {
    const { backend } = renderApp("engine-down");
    expect(await screen.findByText("No container engine answers")).toBeDefined();
    expect(await screen.findByText("sudo systemctl start docker")).toBeDefined();
    await expectAccessible();
    backend.setEngine(true);
    expect(await screen.findByText("No containers yet")).toBeDefined();
  });

  test("a core that does not open leaves a window that says why, and opens on the next attempt", async () => {
    const { user } = renderApp("startup");
    expect(await screen.findByText("store.unwritable")).toBeDefined();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Try again" }));
    expect(await row("atlas-api")).toBeDefined();
  });
});
