// A small W3C WebDriver client, straight to WebKitWebDriver: what the window's tests need and no package.
import { spawn } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:net";

const ELEMENT = "element-6066-11e4-a52e-4f735466cecf";
const KEYS = { Control: "\uE009", Enter: "\uE007", Escape: "\uE00C", Delete: "\uE017" };

/** Polls until `probe` answers something truthy, and says what it was waiting for when it does not. */
export async function until(what, probe, timeoutMs = 20_000) {
  const end = Date.now() + timeoutMs;
  let last;
  for (;;) {
    try {
      const answer = await probe();
      if (answer) return answer;
      last = answer;
    } catch (error) {
      last = error.message;
    }
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms for ${what}; last: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Opens a program in an automated window. */
export async function openWindow(program, env) {
  const port = await freePort();
  const driver = spawn("WebKitWebDriver", [`--port=${port}`, "--host=127.0.0.1"], {
    env: { ...env, TAURI_WEBVIEW_AUTOMATION: "true" },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const base = `http://127.0.0.1:${port}`;
  try {
    await until("the driver", async () => (await fetch(`${base}/status`)).ok);
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": { binary: program, args: [] } } };
    const { sessionId } = await request(base, "POST", "/session", { capabilities });
    return new Window(driver, base, `/session/${sessionId}`);
  } catch (error) {
    driver.kill("SIGTERM");
    throw error;
  }
}

class Window {
  constructor(driver, base, session) {
    this.driver = driver;
    this.base = base;
    this.session = session;
  }

  ask(method, path, body) {
    return request(this.base, method, this.session + path, body);
  }

  /** The first element of a CSS selector, once it is there. */
  async find(css, timeoutMs) {
    return until(
      css,
      async () => {
        const found = await this.ask("POST", "/elements", { using: "css selector", value: css });
        return found[0]?.[ELEMENT];
      },
      timeoutMs,
    );
  }

  async click(css, timeoutMs) {
    // What is still moving into place is clicked once it stands.
    await until(`a click on ${css}`, async () => {
      const element = await this.find(css, timeoutMs);
      await this.ask("POST", `/element/${element}/click`, {});
      return true;
    });
  }

  /** Clicks the box or button whose label is exactly this. */
  async clickLabel(within, label) {
    await until(`a label ${label}`, () =>
      this.run(
        "const label = [...document.querySelectorAll(arguments[0] + ' label')].find((one) => one.textContent.trim() === arguments[1]); label?.click(); return label !== undefined",
        within,
        label,
      ),
    );
  }

  /** Replaces what a field holds; `element/clear` loses against a controlled field now and then. */
  async fill(css, text) {
    const element = await this.find(css);
    await this.ask("POST", `/element/${element}/click`, {});
    const type = (text) => this.ask("POST", `/element/${element}/value`, { text });
    await type(`${KEYS.Control}a${"\uE000"}${KEYS.Delete}`);
    await type(text);
  }

  /** Presses a key with modifiers: `press("Control", "k")`. */
  async press(...names) {
    const keys = names.map((name) => KEYS[name] ?? name);
    await this.ask("POST", "/actions", {
      actions: [
        {
          type: "key",
          id: "keyboard",
          actions: [
            ...keys.map((value) => ({ type: "keyDown", value })),
            ...keys.toReversed().map((value) => ({ type: "keyUp", value })),
          ],
        },
      ],
    });
  }

  /** Runs a script in the page: `run("return arguments[0]", 1)`. */
  run(script, ...args) {
    return this.ask("POST", "/execute/sync", { script, args });
  }

  /** The text that an element shows, or null. */
  text(css) {
    return this.run("return document.querySelector(arguments[0])?.textContent ?? null", css);
  }

  /** Waits until an element shows a text. */
  shows(css, wanted, timeoutMs) {
    return until(
      `${css} with ${wanted}`,
      async () => {
        const text = await this.text(css);
        if (text !== null && (wanted instanceof RegExp ? wanted.test(text) : text.includes(wanted))) return true;
        throw new Error(String(text));
      },
      timeoutMs,
    );
  }

  async screenshot() {
    return Buffer.from(await this.ask("GET", "/screenshot"), "base64");
  }

  /** Closes the window and waits until nothing of it is left: a second one would only raise it. */
  async close() {
    const family = descendants(this.driver.pid);
    await this.ask("DELETE", "").catch(() => undefined);
    await until("the window's end", () => !family.some(isAlive), 3000).catch(() => {
      for (const pid of family.filter(isAlive)) process.kill(pid, "SIGKILL");
    });
    this.driver.kill("SIGTERM");
  }
}

async function request(base, method, path, body) {
  const answer = await fetch(base + path, {
    method,
    headers: { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${method} ${path}: ${value.error}: ${value.message}`);
  return value;
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** Parent and state of a process, from `/proc`; null when it is gone. */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name stands in brackets and may hold anything.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return null;
  }
}

function isAlive(pid) {
  const stat = statOf(pid);
  return stat !== null && stat.state !== "Z";
}

function descendants(root) {
  const all = readdirSync("/proc").map(Number).filter(Boolean);
  const parents = new Map(all.map((pid) => [pid, statOf(pid)?.parent]));
  const family = [root];
  for (const pid of family) {
    for (const [child, parent] of parents) if (parent === pid) family.push(child);
  }
  return family.slice(1);
}
