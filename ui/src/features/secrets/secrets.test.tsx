import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { expectAccessible, lastRequest, line, renderApp } from "../../test/render";

describe("secrets", () => {
  test("are listed by whom they are for, and nothing is revealed unasked", async () => {
    const { backend, user } = renderApp("full", { view: "secrets" });
    const every = await screen.findByRole("region", { name: "For every container" });
    expect(within(every).getByText("GITHUB_TOKEN")).toBeDefined();
    await expectAccessible();
    await user.click(await line(/^GCP_KEY, File/));
    const pane = await screen.findByRole("complementary", { name: "Secret GCP_KEY" });
    expect(within(pane).getByText("/run/devctl-secrets/GCP_KEY")).toBeDefined();
    expect(backend.calls.some((call) => call.name === "reveal_secret")).toBe(false);
    await user.click(within(pane).getByRole("button", { name: "Reveal" }));
    expect(await within(pane).findByText("ghp_0123456789abcdef")).toBeDefined();
    expect(lastRequest(backend, "reveal_secret")).toEqual({
      name: "GCP_KEY",
      container: "/home/wren/src/atlas-api",
    });
    await expectAccessible();
    // Another one, and back: the value is gone with the pane.
    await user.click(await line(/^NPM_TOKEN/));
    await user.click(await line(/^GCP_KEY/));
    expect(screen.queryByText("ghp_0123456789abcdef")).toBeNull();
  });

  test("setting one hides what is typed, and sends it once", async () => {
    const { backend, user, client } = renderApp("empty", { view: "secrets" });
    expect(await screen.findByText("No secrets yet")).toBeDefined();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Set secret" }));
    const sheet = await screen.findByRole("dialog", { name: "Set a secret" });
    await user.type(within(sheet).getByLabelText("Name"), "API_KEY");
    const value = within(sheet).getByLabelText("Value");
    expect(value.getAttribute("type")).toBe("password");
    await user.type(value, "hunter2");
    await expectAccessible();
    await user.click(within(sheet).getByRole("button", { name: /^Set/ }));
    expect(await line(/^API_KEY, Environment/)).toBeDefined();
    expect(lastRequest(backend, "set_secret")).toEqual({
      name: "API_KEY",
      container: null,
      value: "hunter2",
      base64: false,
      delivery: "environment",
    });
    expect(document.body.textContent).not.toContain("hunter2");
    const kept = () =>
      JSON.stringify(
        client
          .getMutationCache()
          .getAll()
          .map((one) => one.state),
      );
    await waitFor(() => expect(kept()).not.toContain("hunter2"));
  });

  test("what a configuration asks for is set from where it is asked", async () => {
    const { backend, user } = renderApp("full", { view: "secrets" });
    expect(await screen.findByText("Uploads source maps after a build.")).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Set SENTRY_TOKEN" }));
    const sheet = await screen.findByRole("dialog", { name: "Set a secret" });
    expect(within(sheet).getByLabelText("Name")).toHaveProperty("value", "SENTRY_TOKEN");
    await user.type(within(sheet).getByLabelText("Value"), "s3");
    await user.click(within(sheet).getByRole("button", { name: /^Set/ }));
    expect(await line(/^SENTRY_TOKEN/)).toBeDefined();
    expect(lastRequest(backend, "set_secret")).toMatchObject({
      container: "/home/wren/src/atlas-web",
    });
  });

  test("a refused name is explained in the sheet", async () => {
    const { user } = renderApp("full", { view: "secrets" });
    await user.click(await screen.findByRole("button", { name: "Set secret" }));
    const sheet = await screen.findByRole("dialog", { name: "Set a secret" });
    await user.type(within(sheet).getByLabelText("Name"), "MY-KEY");
    await user.type(within(sheet).getByLabelText("Value"), "x");
    await user.click(within(sheet).getByRole("button", { name: /^Set/ }));
    expect(await within(sheet).findByText("secrets.refused")).toBeDefined();
  });

  test("removing names what goes and what stays", async () => {
    const { backend, user } = renderApp("full", { view: "secrets" });
    (await line(/^DATABASE_URL/)).focus();
    await user.keyboard("{Delete}");
    const sheet = await screen.findByRole("dialog", { name: "Remove DATABASE_URL" });
    expect(within(sheet).getByText(/There is no copy/)).toBeDefined();
    await expectAccessible();
    await user.click(within(sheet).getByRole("button", { name: "Remove" }));
    await waitFor(() =>
      expect(lastRequest(backend, "remove_secret")).toEqual({
        name: "DATABASE_URL",
        container: "/home/wren/src/atlas-api",
      }),
    );
    await waitFor(() => expect(screen.queryByText("DATABASE_URL")).toBeNull());
  });

  test("the filter narrows and says how many it hides", async () => {
    const { user } = renderApp("full", { view: "secrets" });
    await user.type(await screen.findByLabelText("Filter secrets"), "atlas-api");
    await waitFor(() => expect(screen.queryByText("GITHUB_TOKEN")).toBeNull());
    expect(await line(/^DATABASE_URL/)).toBeDefined();
    await user.type(screen.getByLabelText("Filter secrets"), "zzz");
    expect(await screen.findByText("5 secrets are hidden.")).toBeDefined();
  });
});

describe("the vault", () => {
  test("the only way in cannot be taken away; another one can be added first", async () => {
    const { backend, user } = renderApp("full", { view: "secrets" });
    const vault = await screen.findByRole("complementary", { name: "Vault" });
    expect(await within(vault).findByText(/It is the only one/)).toBeDefined();
    expect(within(vault).queryByRole("button", { name: /^Take Keychain away/ })).toBeNull();
    await user.click(within(vault).getByRole("button", { name: "Add a way" }));
    await user.click(await screen.findByRole("menuitem", { name: "Passphrase…" }));
    const sheet = await screen.findByRole("dialog", { name: "Add a way in: Passphrase" });
    const act = within(sheet).getByRole("button", { name: /^Add/ });
    expect(act).toHaveProperty("disabled", true);
    await user.type(within(sheet).getByLabelText("Passphrase"), "correct horse");
    await user.type(within(sheet).getByLabelText("Again"), "correct horse");
    await expectAccessible();
    await user.click(act);
    expect(await within(vault).findByRole("button", { name: "Take Keychain away…" })).toBeDefined();
    expect(lastRequest(backend, "change_vault")).toMatchObject({ add: "passphrase", remove: null });
  });

  test("a recovery key is shown once", async () => {
    const { user } = renderApp("full", { view: "secrets" });
    // The way to it waits for the vault.
    await screen.findByText("Open, by: keychain");
    await user.click(screen.getByRole("button", { name: "Recovery key…" }));
    await user.click(await screen.findByRole("button", { name: /^Make recovery key/ }));
    const shown = await screen.findByTestId("recovery-key");
    expect(shown.textContent).toMatch(/(?:[A-Z0-9]{5}-){7}[A-Z0-9]{5}/);
    await expectAccessible();
    await user.click(screen.getAllByRole("button", { name: "Close" })[1] as HTMLElement);
    await waitFor(() => expect(screen.queryByTestId("recovery-key")).toBeNull());
    expect(document.body.textContent).not.toMatch(/(?:[A-Z0-9]{5}-){7}/);
    expect(await screen.findByRole("button", { name: "New recovery key…" })).toBeDefined();
  });

  test("a locked keychain is explained and unlocked in place, a wrong password is told", async () => {
    const { user } = renderApp("locked", { view: "secrets" });
    expect(await screen.findByTestId("vault-closed")).toBeDefined();
    expect(await line(/^GITHUB_TOKEN/)).toBeDefined();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Unlock…" }));
    const sheet = await screen.findByRole("dialog", { name: "Unlock the keychain" });
    await user.type(within(sheet).getByLabelText("Password"), "wrong");
    await user.click(within(sheet).getByRole("button", { name: /^Unlock/ }));
    expect(await within(sheet).findByText("The keychain did not take that password")).toBeDefined();
    await user.clear(within(sheet).getByLabelText("Password"));
    await user.click(within(sheet).getByRole("button", { name: /^Unlock/ }));
    expect(await screen.findByText("Open, by: keychain")).toBeDefined();
  });
});
