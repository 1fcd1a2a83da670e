import type { SecretInfo, VaultInfo, VaultWay, VaultWayInfo } from "../../generated/types";
import type { OperationName, Request, Response } from "../backend";
import { before } from "./data";
import { refuse } from "./refuse";

const DAY = 86_400_000;

type Names = Extract<
  OperationName,
  | `${string}_secret`
  | "list_secrets"
  | "list_asked_secrets"
  | `${string}_vault`
  | "make_recovery_key"
  | "unlock_keychain"
>;

const WAYS: Record<VaultWay, VaultWayInfo> = {
  keychain: {
    way: "keychain",
    place: "Secret Service, collection login",
    opensByItself: true,
  },
  "key-file": { way: "key-file", place: "file /etc/devctl/master.key", opensByItself: true },
  "systemd-credential": {
    way: "systemd-credential",
    place: "systemd credential devctl-master-key",
    opensByItself: true,
  },
  "own-file": {
    way: "own-file",
    place: "file /home/wren/.local/state/devctl/vault.key",
    opensByItself: true,
  },
  passphrase: { way: "passphrase", place: "in your memory", opensByItself: false },
  "recovery-key": { way: "recovery-key", place: "on paper", opensByItself: false },
};

const SECRETS: readonly SecretInfo[] = [
  secret("GITHUB_TOKEN", null, 12),
  secret("NPM_TOKEN", null, 40),
  secret("DATABASE_URL", "/home/wren/src/atlas-api", 3),
  { ...secret("GCP_KEY", "/home/wren/src/atlas-api", 3), delivery: "file" },
  secret("STRIPE_KEY", "/home/wren/src/ledger-sync", 90),
];

function secret(name: string, source: string | null, days: number): SecretInfo {
  return {
    name,
    scope: source ? "container" : "person",
    source,
    delivery: "environment",
    changedAt: before(days * DAY),
  };
}

/** Secrets and the vault of the fake. */
export class FakeSecrets {
  secrets: SecretInfo[];
  ways: VaultWayInfo[];
  locked: boolean;
  private readonly values = new Map<string, string>();

  constructor(scene: string) {
    const few = scene === "empty";
    this.secrets = few ? [] : [...SECRETS];
    this.ways = few ? [] : [WAYS.keychain];
    this.locked = scene === "locked";
  }

  readonly handlers: { [K in Names]: (request: Request<K>) => Response<K> } = {
    list_secrets: ({ container }) => ({
      secrets: this.secrets.filter(
        (one) => !container || one.source === null || one.source === container,
      ),
    }),
    show_secret: (of) => this.find(of),
    set_secret: ({ name, container, value, delivery }) => {
      if (!/^[A-Za-z_]\w*$/.test(name)) {
        throw refuse("secrets.refused", `No secret can be called ${name}`, [
          { text: "Letters, digits and underscores", command: null },
        ]);
      }
      const set: SecretInfo = { ...secret(name, container, 0), delivery };
      this.values.set(keyOf(set), value);
      this.secrets = [...this.secrets.filter((one) => keyOf(one) !== keyOf(set)), set].toSorted(
        (a, b) => a.name.localeCompare(b.name),
      );
      return set;
    },
    reveal_secret: (of) => ({
      name: of.name,
      value: this.values.get(keyOf(this.find(of))) ?? "ghp_0123456789abcdef",
      base64: false,
    }),
    remove_secret: (of) => {
      const gone = this.find(of);
      this.secrets = this.secrets.filter((one) => one !== gone);
      return { changed: true };
    },
    decline_secret: () => ({ changed: true }),
    list_asked_secrets: ({ source }) => ({
      container: source,
      secrets: source.endsWith("atlas-web")
        ? [
            {
              name: "SENTRY_TOKEN",
              description: "Uploads source maps after a build.",
              documentationUrl: "https://docs.example.org/sentry",
              state: this.secrets.some((one) => one.name === "SENTRY_TOKEN") ? "set" : "missing",
            },
          ]
        : [],
    }),
    show_vault: () => this.vault(),
    change_vault: ({ add, remove, openWith }) => {
      if (this.ways.every((one) => !one.opensByItself) && !openWith) {
        throw refuse("secrets.passphrase", "The vault opens with a passphrase, and none was given");
      }
      if (remove && !add && this.ways.length === 1) {
        throw refuse("secrets.vault_way", "This is the only way into the vault", [
          { text: "Add another one first", command: null },
        ]);
      }
      this.ways = [
        ...this.ways.filter((one) => one.way !== remove && one.way !== add),
        ...(add ? [WAYS[add]] : []),
      ];
      return { vault: this.vault(), leftBehind: null };
    },
    make_recovery_key: () => {
      this.ways = [...this.ways.filter((one) => one.way !== "recovery-key"), WAYS["recovery-key"]];
      return { recoveryKey: "7KQ2M-9F4XW-TB6HP-3ZNRC-V8DYJ-5GA1S-E0LKU-Q7MXB" };
    },
    unlock_keychain: ({ password }) => {
      if (password === "wrong") {
        throw refuse("secrets.keychain_locked", "The keychain did not take that password");
      }
      this.locked = false;
      return { changed: true };
    },
  };

  private find({ name, container }: Request<"show_secret">): SecretInfo {
    const found = this.secrets.find((one) => one.name === name && one.source === container);
    if (!found) throw refuse("secrets.not_found", `There is no secret ${name}`);
    return found;
  }

  private vault(): VaultInfo {
    const exists = this.ways.length > 0;
    return {
      path: "/home/wren/.local/state/devctl/vault",
      exists,
      ways: this.locked ? [] : this.ways,
      openedBy:
        exists && !this.locked ? (this.ways.find((one) => one.opensByItself)?.way ?? null) : null,
      problem: this.locked ? "the keychain is locked" : null,
      entries: exists && !this.locked ? this.secrets.length + 4 : null,
      watchedIn: exists && !this.locked ? "OS keychain" : null,
      keychain: this.locked
        ? {
            ready: false,
            code: "secrets.keychain_locked",
            words: "The collection “login” of the Secret Service is locked.",
            fix: "Unlock it, here or in the program that manages your passwords",
          }
        : { ready: true, code: "ok", words: "A secret can be kept and read.", fix: null },
    };
  }
}

function keyOf({ name, source }: SecretInfo): string {
  return `${source ?? ""} ${name}`;
}
