// An installation of its own for a test: home, state, ssh directory, and an engine that can be taken away.
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

const PROGRAMS = resolve(process.env.DEVCTL_WINDOW_PROGRAMS ?? "target/debug");

export const APP = join(PROGRAMS, "dev-container-launcher");

/** The image of the test's container; built from Debian packages, so that no registry is needed. */
export const IMAGE = process.env.DEVCTL_WINDOW_IMAGE ?? "devctl-base:bookworm";

/** The engine that is really there. */
const ENGINE = process.env.DEVCTL_WINDOW_ENGINE ?? "/run/docker.sock";

export class Installation {
  constructor() {
    // Short: a socket's path holds 108 bytes.
    this.root = mkdtempSync(join(tmpdir(), "dw-"));
    this.state = join(this.root, "state");
    this.ssh = join(this.root, "ssh");
    this.engine = new EngineDoor(join(this.root, "engine.sock"));
    this.env = {
      ...process.env,
      HOME: this.root,
      XDG_STATE_HOME: join(this.root, "xdg-state"),
      XDG_CONFIG_HOME: join(this.root, "xdg-config"),
      XDG_CACHE_HOME: join(this.root, "xdg-cache"),
      XDG_DATA_HOME: join(this.root, "xdg-data"),
      DEVCTL_STATE_DIR: this.state,
      DEVCTL_SSH_DIR: this.ssh,
      DEVCTL_SSH_CONFIG: join(this.root, "user-ssh-config"),
      DEVCTL_KEYCHAIN: "off",
      DOCKER_HOST: `unix://${this.engine.path}`,
    };
    delete this.env.DEVCTL_MASTER_KEY_FILE;
  }

  /** A workspace folder with a configuration. */
  folder(name, configuration) {
    const folder = join(this.root, name);
    mkdirSync(join(folder, ".devcontainer"), { recursive: true });
    writeFileSync(
      join(folder, ".devcontainer", "devcontainer.json"),
      `${JSON.stringify(configuration, null, 2)}\n`,
    );
    return folder;
  }

  /** The public half of a key that somebody else made. */
  async publicKey(name) {
    const path = join(this.root, `${name}_key`);
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", `${name}@elsewhere`, "-f", path]);
    return readFileSync(`${path}.pub`, "utf8").trim();
  }

  /** Runs the command line of the same installation; its standard output. */
  async devctl(...args) {
    const { stdout } = await run(join(PROGRAMS, "devctl"), args, { env: this.env });
    return stdout;
  }

  /** Runs something in a container through the real `ssh` and our own configuration. */
  async sshTo(host, ...command) {
    const config = join(this.ssh, "config");
    const { stdout } = await run("ssh", ["-F", config, host, ...command], { env: this.env });
    return stdout;
  }

  /** Removes the named containers, and nothing of anybody else on the same engine. */
  async close(...names) {
    await this.engine.up().catch(() => undefined);
    const list = JSON.parse(await this.devctl("list", "--json"));
    for (const name of names.filter((name) => list.some((container) => container.name === name))) {
      await this.devctl("remove", name, "--yes", "--volumes");
    }
    await this.engine.down();
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** A socket in front of the engine: closing it is an engine that went away, without stopping anybody else's. */
class EngineDoor {
  constructor(path) {
    this.path = path;
    this.connections = new Set();
  }

  up() {
    if (this.server) return Promise.resolve();
    this.server = createServer({ allowHalfOpen: true }, (inside) => {
      const outside = createConnection({ path: ENGINE, allowHalfOpen: true });
      for (const [from, to] of [
        [inside, outside],
        [outside, inside],
      ]) {
        this.connections.add(from);
        from.pipe(to);
        from.on("error", () => to.destroy());
        from.on("close", () => this.connections.delete(from));
      }
    });
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(this.path, resolve);
    });
  }

  down() {
    if (!this.server) return Promise.resolve();
    const closed = new Promise((resolve) => this.server.close(resolve));
    for (const connection of this.connections) connection.destroy();
    this.server = undefined;
    return closed;
  }
}
