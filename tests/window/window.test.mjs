// The real window over a real engine: a folder becomes a container that the real ssh reaches.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { APP, IMAGE, Installation } from "./installation.mjs";
import { openWindow, until } from "./webdriver.mjs";

const SHOTS = "target/screenshots";
const NAME = process.env.DEVCTL_WINDOW_CONTAINER ?? `window-${process.pid}`;
const ROW = `[role=row][data-name="${NAME}"]`;

let installation;
let window;

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  installation = new Installation();
  window = await openWindow(APP, installation.env);
});

after(async () => {
  await window?.close();
  await installation?.close(NAME);
});

afterEach(async (context) => {
  // What the window showed when something was not as expected.
  if (context.error) await shot(`failed-${context.name.replaceAll(/\W+/g, "-")}`);
});

async function shot(name) {
  writeFileSync(join(SHOTS, `${name}.png`), await window.screenshot());
}

/** Saves what is on the screen, dark and light. */
async function bothShots(name) {
  for (const theme of ["light", "dark"]) {
    await window.run("document.documentElement.dataset.theme = arguments[0]", theme);
    // Two frames: the first one draws, the second one is certain that it was drawn.
    await window.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))");
    await shot(`${name}-${theme}`);
  }
}

const rowState = (state, timeoutMs) =>
  until(
    `the row to be ${state}`,
    async () => (await window.run("return document.querySelector(arguments[0])?.dataset.state", ROW)) === state,
    timeoutMs,
  );

test("without an engine the window says what to do, and goes on by itself when there is one", async () => {
  await window.shows("main h2", "No container engine answers");
  await bothShots("engine-down");
  await installation.engine.up();
  await until("the list", async () => (await window.text("main h2")) !== "No container engine answers");
  assert.equal(await window.run("return location.origin"), "tauri://localhost");
  await bothShots("begin");
});

test("the page can reach nothing but our own commands", async () => {
  assert.equal(await window.run("return typeof window.__TAURI__"), "undefined");
  const outside = await window.run(
    "return fetch('http://127.0.0.1:9/').then(() => 'reached', (error) => String(error))",
  );
  assert.match(outside, /Load failed|Security|policy/i);
  const refused = await window.run(
    "return window.__TAURI_INTERNALS__.invoke('plugin:window|create', {}).then(() => 'allowed', String)",
  );
  assert.notEqual(refused, "allowed");
});

test("a folder becomes a container, after its rights were allowed one by one", async () => {
  const folder = installation.folder(NAME, {
    name: "Window test",
    image: IMAGE,
    capAdd: ["SYS_PTRACE"],
    mounts: ["source=/etc/hostname,target=/mnt/hostname,type=bind,readonly"],
    postCreateCommand: "echo made by the window > /tmp/made",
  });
  await window.press("Control", "n");
  await window.fill("[role=dialog] input[aria-label='Folder or image']", folder);
  await window.shows("[data-testid=found]", "Folder");
  await window.find("[data-testid=trust]");
  const boxes = () => window.run("return [...document.querySelectorAll('[data-testid=trust] input')].map((box) => box.checked)");
  assert.deepEqual(await boxes(), [false, false]);
  const disabled = () => window.run("return document.querySelector('[data-testid=create]').disabled");
  assert.equal(await disabled(), true);
  await bothShots("create");
  await window.click("[data-testid=trust] li:nth-child(1) input");
  assert.equal(await disabled(), true);
  await window.click("[data-testid=trust] li:nth-child(2) input");
  await window.shows("[data-testid=create]", "Allow 2 and create");
  await window.click("[data-testid=create]");
  await window.find("[data-testid=job-title]");
  await bothShots("progress");
  await window.shows("[data-testid=job-title]", "is ready", 60_000);
  await bothShots("ready");
  await window.press("Escape");
  await rowState("running");
});

test("the real ssh is let in", async () => {
  const made = await installation.sshTo(`${NAME}.devctl`, "cat", "/tmp/made");
  assert.equal(made.trim(), "made by the window");
});

test("the pane shows the container, and its terminal is a terminal", async () => {
  await window.click(ROW);
  await window.shows("[data-testid=state-line]", "Running");
  await window.shows("[data-testid=detail] dl", IMAGE);
  await bothShots("container");
  await window.press("t");
  const typing = "return document.activeElement?.classList.contains('xterm-helper-textarea')";
  await until("the terminal to have the keys", () => window.run(typing));
  const field = await window.find("[data-testid=terminal] textarea");
  await window.ask("POST", `/element/${field}/value`, { text: "tty | tee /tmp/tty; stty size\uE007" });
  // What was typed is seen where it took effect; the screen may be drawn by the graphics card.
  await until("what the terminal did", async () => {
    const tty = await installation.sshTo(`${NAME}.devctl`, "cat", "/tmp/tty");
    return /^\/dev\/pts\/\d/.test(tty);
  });
  await bothShots("terminal");
});

test("what the command line stops, the row shows within a second", async () => {
  const stopped = installation.devctl("stop", NAME);
  await stopped;
  await rowState("stopped", 1000);
  await bothShots("stopped");
  await window.run("document.querySelector(arguments[0]).focus()", ROW);
  await window.press("s");
  await rowState("running");
  // The start is over only when its job is.
  const busy = "return document.querySelector('button[aria-label^=\"Show jobs\"]') !== null";
  await until("the job to end", async () => !(await window.run(busy)));
});

test("an engine that goes away and comes back needs no click", async () => {
  await installation.engine.down();
  await rowState("unknown", 15_000);
  await bothShots("engine-away");
  await installation.engine.up();
  await rowState("running", 15_000);
});

test("every other view opens, dark and light", async () => {
  for (const view of ["Hosts", "SSH & CA", "Secrets", "Activity", "Settings"]) {
    await window.click(`nav button[aria-label="${view}"]`);
    await window.shows("main h1", view);
    // Nothing may still be loading, and nothing may have failed.
    await until(`${view} without skeletons`, () => window.run("return !document.querySelector('main .skeleton')"));
    assert.equal(await window.text("main [role=alert]"), null);
    await bothShots(view.toLowerCase().replaceAll(/\W+/g, "-"));
  }
  await window.press("Control", "k");
  await window.find("[role=combobox]");
  await bothShots("palette");
  await window.press("Escape");
});

test("a certificate is issued for somebody, shown, and revoked; the command line sees the same", async () => {
  await window.click('nav button[aria-label="SSH & CA"]');
  await window.click('[data-act="issue"]');
  await window.fill("[role=dialog] textarea", await installation.publicKey("robin"));
  await window.clickLabel("[role=dialog]", NAME);
  await bothShots("issue");
  await window.press("Control", "Enter");
  await window.find("[data-testid=issued]");
  await window.shows("[data-testid=issued]", `ssh line for`);
  await bothShots("issued");
  await window.press("Escape");
  const row = '[role=row][aria-label*="robin"]';
  await window.click(row);
  await window.shows("[data-testid=pane]", "It is accepted.");
  await bothShots("certificate");
  await window.run("document.querySelector(arguments[0]).focus()", row);
  await window.press("Delete");
  await window.shows("[role=dialog]", "A revocation is final");
  await bothShots("revoke");
  await window.click("[role=dialog] .btn-danger-solid");
  await window.shows("[role=dialog] [role=status]", "Version 2");
  await window.press("Escape");
  await window.find('[role=row][aria-label$="robin, Revoked"]');
  const certificates = JSON.parse(await installation.devctl("cert", "list", "--json"));
  assert.equal(certificates.find((one) => one.keyId.startsWith("user:robin/"))?.state, "revoked");
});

test("a rotation takes a step and the step back", async () => {
  const standing = (phase) =>
    until(`an authority that is ${phase}`, () =>
      window.run("return document.querySelector(`[data-standing=${arguments[0]}]`) !== null", phase),
    );
  await window.click('[data-act="rotate-user"]');
  await window.shows("[role=dialog]", "What happens");
  await window.press("Control", "Enter");
  await standing("new");
  await bothShots("rotation");
  await window.click("[data-rotation=user] button");
  await window.shows("[role=dialog]", "What is lost");
  await window.click("[role=dialog] .btn-danger-solid");
  await until("the rotation to be over", () => window.run("return !document.querySelector('[data-rotation=user]')"));
});

test("a secret that is set in the window is the one that the command line reads", async () => {
  await window.click('nav button[aria-label="Secrets"]');
  await window.click('[data-act="set-secret"]');
  await window.fill("[role=dialog] input.mono", "WINDOW_TOKEN");
  await window.fill("[role=dialog] input[type=password]", "from the window");
  await bothShots("set-secret");
  await window.press("Control", "Enter");
  await window.find('[role=row][aria-label^="WINDOW_TOKEN"]');
  assert.equal((await installation.devctl("secret", "get", "WINDOW_TOKEN", "--reveal")).trim(), "from the window");
  await bothShots("secrets-set");
});

test("a container is removed after the window said what goes and what stays", async () => {
  await window.click('nav button[aria-label="Containers"]');
  await window.click(ROW);
  await window.press("Delete");
  await window.shows("[role=dialog]", "What stays");
  await bothShots("remove");
  await window.click("[role=dialog] .btn-danger-solid");
  await until("the row to go", () => window.run("return !document.querySelector(arguments[0])", ROW));
});
