import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import { refuse } from "../../backend/fake/refuse";
import { expectAccessible, findLine, lastRequest, line, renderApp } from "../../test/render";

/** Where the track of an authority stands. */
async function phase(name: RegExp): Promise<string | null | undefined> {
  return (await line(name)).querySelector("[data-standing]")?.getAttribute("data-standing");
}

describe("keys", () => {
  test("each with what protects it; a new one is encrypted by a passphrase in the vault", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    expect((await line(/^Access key, Ed25519/)).textContent).toContain("File");
    expect((await line(/^old-rsa/)).textContent).toContain("retiring");
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "New key…" }));
    const sheet = await screen.findByRole("dialog", { name: "Make a key" });
    const act = within(sheet).getByRole("button", { name: /^Make key/ });
    expect(act).toHaveProperty("disabled", true);
    await user.type(within(sheet).getByLabelText("Name"), "travel");
    await expectAccessible();
    await user.click(act);
    expect((await line(/^travel/)).textContent).toContain("Vault");
    expect(lastRequest(backend, "generate_key")).toEqual({
      name: "travel",
      keyType: "ed25519",
      comment: null,
      passphrase: null,
      remember: false,
    });
  });

  test("a passphrase of one's own has to be typed twice and the same", async () => {
    const { user } = renderApp("full", { view: "ssh" });
    await user.click(await screen.findByRole("button", { name: "New key…" }));
    const sheet = await screen.findByRole("dialog", { name: "Make a key" });
    await user.type(within(sheet).getByLabelText("Name"), "travel");
    await user.click(within(sheet).getByLabelText("A passphrase of my own"));
    const act = within(sheet).getByRole("button", { name: /^Make key/ });
    await user.type(within(sheet).getByLabelText("Passphrase"), "correct horse");
    await user.type(within(sheet).getByLabelText("Again"), "correct house");
    expect(act).toHaveProperty("disabled", true);
    await user.clear(within(sheet).getByLabelText("Again"));
    await user.type(within(sheet).getByLabelText("Again"), "correct horse");
    expect(act).toHaveProperty("disabled", false);
  });

  test("a refusal is shown in the sheet with its fix, and nothing typed is lost", async () => {
    const { user } = renderApp("full", { view: "ssh" });
    await user.click(await screen.findByRole("button", { name: "Import a key" }));
    const sheet = await screen.findByRole("dialog", { name: "Import a key" });
    await user.type(within(sheet).getByLabelText("Name"), "old");
    await user.type(within(sheet).getByLabelText("Key"), "PuTTY-User-Key-File-2");
    await user.click(within(sheet).getByRole("button", { name: /^Import/ }));
    expect(await within(sheet).findByText("key.format_refused")).toBeDefined();
    expect(within(sheet).getByText(/^puttygen/)).toBeDefined();
    expect(within(sheet).getByLabelText("Name")).toHaveProperty("value", "old");
    await expectAccessible();
  });

  test("a key that only its owner opens asks for the passphrase before it goes to the agent", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    backend.keys.keys = backend.keys.keys.map((key) =>
      key.name === "old-rsa" ? { ...key, state: "active" } : key,
    );
    await user.click(await line(/^old-rsa/));
    const pane = await screen.findByRole("complementary", { name: "Key old-rsa" });
    await user.click(within(pane).getByRole("button", { name: "More actions" }));
    await user.click(await screen.findByRole("menuitem", { name: "Give to agent…" }));
    const sheet = await screen.findByRole("dialog", { name: "Give old-rsa to the ssh-agent" });
    const act = within(sheet).getByRole("button", { name: /^Give to agent/ });
    expect(act).toHaveProperty("disabled", true);
    await user.type(within(sheet).getByLabelText("Passphrase now"), "secret");
    await user.click(act);
    await waitFor(() =>
      expect(lastRequest(backend, "add_agent_key")).toEqual({
        name: "old-rsa",
        passphrase: "secret",
        lifetimeSeconds: 28_800,
        confirm: false,
      }),
    );
    expect((await line(/^old-rsa/)).textContent).toContain("in agent");
  });

  test("removing names what goes, and never offers the access key", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    (await line(/^work/)).focus();
    await user.keyboard("{Delete}");
    const sheet = await screen.findByRole("dialog", { name: "Remove work" });
    expect(within(sheet).getByText(/Its private half/)).toBeDefined();
    await user.click(within(sheet).getByRole("button", { name: "Remove" }));
    await waitFor(() => expect(lastRequest(backend, "remove_key")).toEqual({ name: "work" }));
    (await line(/^Access key/)).focus();
    await user.keyboard("{Delete}");
    expect(screen.queryByRole("dialog")).toBeNull();
  });
});

describe("authorities", () => {
  test("a rotation goes through its phases, each drawn, and back", async () => {
    const { user } = renderApp("full", { view: "ssh" });
    expect(await phase(/^User authority 3/)).toBe("trusted");
    expect(await phase(/^User authority 2/)).toBe("signing");
    await user.click(screen.getByRole("button", { name: "Sign with the next…" }));
    const sheet = await screen.findByRole("dialog", { name: "Sign with the next: user authority" });
    expect(
      within(sheet).getByText("Let the next authority sign, and sign everything of ours anew."),
    ).toBeDefined();
    await expectAccessible();
    // There is no field to be in, and the key works.
    await user.keyboard("{Control>}{Enter}{/Control}");
    await waitFor(async () => expect(await phase(/^User authority 3/)).toBe("signing"));
    expect(await phase(/^User authority 2/)).toBe("followed");
    await user.click(screen.getByRole("button", { name: "Back…" }));
    await user.click(await screen.findByRole("button", { name: /^Take it back/ }));
    await waitFor(async () => expect(await phase(/^User authority 2/)).toBe("signing"));
  });

  test("retiring waits for those who are shut out, names them, and needs a tick", async () => {
    const { backend, user } = renderApp("rotating", { view: "ssh" });
    expect(
      await screen.findByText("Waits for 2 certificates that somebody still needs"),
    ).toBeDefined();
    await user.click(screen.getByRole("button", { name: "Retire…" }));
    const sheet = await screen.findByRole("dialog", { name: "Retire User authority 2" });
    expect(within(sheet).getByText(/^user:heron.*shut out$/)).toBeDefined();
    const act = within(sheet).getByRole("button", { name: "Retire" });
    expect(act).toHaveProperty("disabled", true);
    await expectAccessible();
    await user.click(within(sheet).getByLabelText("Retire it although somebody still needs it"));
    await user.click(act);
    await waitFor(() =>
      expect(lastRequest(backend, "retire_authority")).toEqual({
        kind: "user",
        now: true,
        revoke: false,
      }),
    );
    expect((await line(/^User authority 2/)).getAttribute("aria-label")).toContain(
      "Nothing that it signed is accepted",
    );
  });

  test("forgetting a new authority is the step back that loses something, and says so", async () => {
    const { user } = renderApp("empty", { view: "ssh" });
    await user.click((await screen.findAllByRole("button", { name: "Rotate…" }))[0] as HTMLElement);
    await user.click(await screen.findByRole("button", { name: /^Take the step/ }));
    await user.click(await screen.findByRole("button", { name: "Back…" }));
    const sheet = await screen.findByRole("dialog", { name: "A step back: user authority" });
    expect(within(sheet).getByText("The next authority and its key")).toBeDefined();
    await user.click(within(sheet).getByRole("button", { name: "Take it back" }));
    await waitFor(() => expect(screen.queryByText("User authority 3")).toBeNull());
  });

  test("the policy of the one that signs is changed field by field", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    await user.click(await line(/^User authority 2/));
    await user.click(await screen.findByRole("button", { name: "Policy…" }));
    const sheet = await screen.findByRole("dialog", { name: "Policy of User authority 2" });
    const validity = within(sheet).getByLabelText("Longest validity");
    const act = within(sheet).getByRole("button", { name: /^Set policy/ });
    await user.clear(validity);
    await user.type(validity, "soon");
    expect(act).toHaveProperty("disabled", true);
    await user.clear(validity);
    await user.type(validity, "1d 12h");
    await user.click(act);
    await waitFor(() =>
      expect(lastRequest(backend, "set_authority_policy")).toMatchObject({
        kind: "user",
        policy: { maxValiditySeconds: 129_600, clockSkewSeconds: 300 },
      }),
    );
  });

  test("a locked keychain is told apart, with the way to unlock it; the rest of the view lives on", async () => {
    const { user } = renderApp("locked", { view: "ssh" });
    expect(await screen.findByText("secrets.keychain_locked")).toBeDefined();
    expect(await line(/^10482 wren/)).toBeDefined();
    await expectAccessible();
    await user.click(screen.getByRole("button", { name: "Unlock…" }));
    await user.click(await screen.findByRole("button", { name: /^Unlock Ctrl/ }));
    expect(await line(/^User authority 2/)).toBeDefined();
  });
});

describe("certificates", () => {
  test("the filter narrows; expired ones come on a wish; the pane shows the record", async () => {
    const { user } = renderApp("full", { view: "ssh" });
    await user.click(await line(/^10481 heron, Valid/));
    const pane = await screen.findByRole("complementary", { name: "Certificate heron" });
    expect(within(pane).getByText("looks at the rate limiter")).toBeDefined();
    await expectAccessible();
    await user.keyboard("{Escape}");
    expect(await screen.findByRole("complementary", { name: "Configuration" })).toBeDefined();
    expect(findLine(/old-laptop/)).toBeUndefined();
    await user.click(screen.getByLabelText("Expired too"));
    expect(await line(/old-laptop, Expired/)).toBeDefined();
    await user.type(screen.getByLabelText("Filter certificates"), "role-docs");
    await waitFor(() => expect(findLine(/heron/)).toBeUndefined());
    expect(await line(/^10477 finch/)).toBeDefined();
    await user.type(screen.getByLabelText("Filter certificates"), " nobody");
    expect(await screen.findByText("8 certificates are hidden.")).toBeDefined();
    await user.click(screen.getAllByRole("button", { name: "Clear filter" })[0] as HTMLElement);
    expect(await line(/^10481 heron/)).toBeDefined();
  });

  test("arrows move between rows, and an open pane follows", async () => {
    const { user } = renderApp("full", { view: "ssh" });
    (await line(/^10482 wren/)).focus();
    await user.keyboard("{Enter}{ArrowDown}");
    expect(await screen.findByRole("complementary", { name: "Certificate heron" })).toBeDefined();
    expect(document.activeElement).toBe(await line(/^10481 heron/));
  });

  test("issuing asks for what is missing, then gives all that the receiver needs", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    await user.click(await screen.findByRole("button", { name: "Issue certificate" }));
    const sheet = await screen.findByRole("dialog", { name: "Issue a certificate" });
    const act = within(sheet).getByRole("button", { name: /^Sign/ });
    expect(within(sheet).getByText("Waits for a public key")).toBeDefined();
    await user.type(within(sheet).getByLabelText("Public key"), "ssh-ed25519 AAAAC3 robin@nest");
    expect(within(sheet).getByLabelText("For whom")).toHaveProperty("value", "robin");
    expect(within(sheet).getByText("Waits for a container or a role")).toBeDefined();
    await user.click(await within(sheet).findByLabelText("atlas-api"));
    await expectAccessible();
    await user.click(act);
    const done = await screen.findByRole("dialog", { name: "Certificate for robin" });
    expect(lastRequest(backend, "issue_certificate")).toMatchObject({
      name: "robin",
      containers: ["atlas-api"],
      roles: [],
      validSeconds: 57_600,
      pty: true,
      portForwarding: false,
    });
    for (const name of ["Certificate", "known_hosts", /^ssh line/, /^authorized_keys line/]) {
      expect(within(done).getByRole("region", { name })).toBeDefined();
    }
    await expectAccessible();
  });

  test("a refused request keeps what was typed and says which rule it broke", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    await user.click(await screen.findByRole("button", { name: "Issue certificate" }));
    const sheet = await screen.findByRole("dialog", { name: "Issue a certificate" });
    await user.click(within(sheet).getByLabelText("Public key"));
    await user.paste("ssh-ed25519 AAAAC3Nza robin@nest");
    await user.type(within(sheet).getByLabelText("Roles"), "docs");
    backend.refusals.set(
      "issue_certificate",
      refuse("certificate.refused", "16 hours are more than the 8 hours of the policy").problem,
    );
    await user.click(within(sheet).getByRole("button", { name: /^Sign/ }));
    expect(await within(sheet).findByText("certificate.refused")).toBeDefined();
    expect(within(sheet).getByLabelText("Roles")).toHaveProperty("value", "docs");
  });

  test("explaining shows each rule, and a changed question takes the answer away", async () => {
    const { user } = renderApp("full", { view: "ssh" });
    await user.click(await screen.findByRole("button", { name: "Explain…" }));
    const field = await screen.findByLabelText("Certificate");
    await user.click(field);
    await user.paste("ssh-ed25519-cert-v01@openssh.com AAAA expired");
    await user.keyboard("{Control>}{Enter}{/Control}");
    const verdict = await screen.findByTestId("verdict");
    expect(verdict.textContent).toContain("It would be refused.");
    expect(verdict.querySelectorAll("[data-rule]")).toHaveLength(8);
    expect(verdict.querySelector("[data-rule=time] [data-shape]")?.getAttribute("data-shape")).toBe(
      "failed",
    );
    await expectAccessible();
    await user.type(field, "x");
    expect(screen.queryByTestId("verdict")).toBeNull();
  });
});

describe("revocation", () => {
  test("of a certificate: by number, id or key, said to be final, and the list follows", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    await user.click(await line(/^10481 heron/));
    const pane = await screen.findByRole("complementary", { name: "Certificate heron" });
    await user.click(within(pane).getByRole("button", { name: "Revoke…" }));
    const sheet = await screen.findByRole("dialog", { name: "Revoke" });
    expect(within(sheet).getByText(/A revocation is final/)).toBeDefined();
    expect(within(sheet).getByLabelText("This certificate, number 10481")).toHaveProperty(
      "checked",
      true,
    );
    await user.type(within(sheet).getByLabelText("Why"), "laptop stolen");
    await expectAccessible();
    await user.click(within(sheet).getByRole("button", { name: "Revoke" }));
    expect(await screen.findByText(/ends open sessions within a second/)).toBeDefined();
    expect(lastRequest(backend, "revoke_certificate")).toMatchObject({
      kind: "user",
      generation: 2,
      serial: 10_481,
      keyId: null,
      fingerprint: null,
      reason: "laptop stolen",
    });
    await user.keyboard("{Escape}");
    expect(await line(/^10481 heron, Revoked/)).toBeDefined();
  });

  test("of what the person names: a range has to run forwards", async () => {
    const { backend, user } = renderApp("full", { view: "ssh" });
    await user.click(await screen.findByRole("tab", { name: /^Revocation list/ }));
    expect(await screen.findByText("wren: its token was in a log")).toBeDefined();
    const pane = screen.getByRole("complementary", { name: "Configuration" });
    await user.click(within(pane).getByRole("button", { name: "Revoke…" }));
    const sheet = await screen.findByRole("dialog", { name: "Revoke" });
    await user.click(within(sheet).getByLabelText("A range of numbers"));
    await user.type(within(sheet).getByLabelText("From"), "20");
    await user.type(within(sheet).getByLabelText("To"), "7");
    const act = within(sheet).getByRole("button", { name: "Revoke" });
    expect(act).toHaveProperty("disabled", true);
    await user.type(within(sheet).getByLabelText("To"), "0");
    await user.click(act);
    await waitFor(() =>
      expect(lastRequest(backend, "revoke_certificate")).toMatchObject({
        serials: [20, 70],
        serial: null,
        kind: "user",
        generation: null,
      }),
    );
  });
});

test("a store that cannot be read fails each section by its code, and the configuration stays", async () => {
  renderApp("unreadable", { view: "ssh" });
  await waitFor(() => expect(screen.getAllByText("store.unreadable")).toHaveLength(3));
  expect(await screen.findByText("The Include line is not there yet")).toBeDefined();
  await expectAccessible();
});

test("lines in force for a host are shown with their place", async () => {
  const { user } = renderApp("full", { view: "ssh" });
  await user.type(await screen.findByLabelText("Host"), "atlas-api.devctl{Enter}");
  const lines = await screen.findByTestId("host-lines");
  expect(lines.textContent).toContain("proxycommand devctl ssh-proxy %n %r");
});
