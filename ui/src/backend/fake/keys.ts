import type { AgentKey, KeyRecord } from "../../generated/types";
import type { OperationName, Request, Response } from "../backend";
import { before, CERTIFICATE, KEY } from "./data";
import { refuse } from "./refuse";

const DAY = 86_400_000;

type Names = Extract<
  OperationName,
  | "list_keys"
  | "show_stored_key"
  | "change_key_passphrase"
  | "list_agent_keys"
  | `${string}_key`
  | `${string}_agent_key`
>;
type Handled = Exclude<Names, "show_key" | "make_recovery_key">;

function key(name: string, keyType: string, more: Partial<KeyRecord> = {}): KeyRecord {
  return {
    name,
    keyType,
    fingerprint: `SHA256:${name.padEnd(4, "x").slice(0, 4)}9dVbR8nS0uWv3xZ5aB7dE9fG2hJ4kL6mN8pQuE2k`,
    publicKey: `ssh-${keyType.split("-")[0]} AAAAC3NzaC1lZDI1NTE5AAAAIFake wren@nest`,
    origin: "generated",
    protection: "vault",
    state: "active",
    replacedBy: null,
    retiresAt: null,
    weakness: null,
    path: `/home/wren/.ssh/devctl/keys/${name}`,
    certificate: null,
    createdAt: before(90 * DAY),
    ...more,
  };
}

const ACCESS: KeyRecord = key("access", "ed25519", {
  fingerprint: KEY.fingerprint,
  publicKey: KEY.publicKey,
  path: KEY.path,
  protection: "fileMode",
  certificate: CERTIFICATE,
  createdAt: before(214 * DAY),
});

/** Keys and the ssh-agent of the fake. */
export class FakeKeys {
  keys: KeyRecord[];
  held: AgentKey[];

  constructor(scene: string) {
    const few = scene === "empty";
    this.keys = [
      few ? { ...ACCESS, certificate: null, createdAt: before(0) } : ACCESS,
      ...(few
        ? []
        : [
            key("work", "ed25519"),
            key("laptop-sk", "sk-ed25519", {
              origin: "public",
              protection: "notHere",
              path: null,
              createdAt: before(2 * DAY),
            }),
            key("old-rsa", "rsa-3072", {
              origin: "imported",
              protection: "passphrase",
              state: "retiring",
              replacedBy: "work",
              retiresAt: before(-1_800_000),
              createdAt: before(400 * DAY),
            }),
          ]),
    ];
    this.held = few
      ? []
      : [
          {
            keyType: "ed25519",
            fingerprint: key("work", "ed25519").fingerprint,
            comment: "wren@nest",
            name: "work",
            certificate: { ...CERTIFICATE, serial: 10_470 },
          },
          {
            keyType: "ed25519",
            fingerprint: "SHA256:kk3PqX9dVbR8nS0uWv3xZ5aB7dE9fG2hJ4kL6mN8pQf0",
            comment: "bastion",
            name: null,
            certificate: null,
          },
        ];
  }

  readonly handlers: { [K in Handled]: (request: Request<K>) => Response<K> } = {
    list_keys: () => ({ keys: this.keys }),
    show_stored_key: ({ name }) => this.find(name),
    generate_key: ({ name, keyType, passphrase, remember }) =>
      this.add(
        key(name, keyType, {
          protection: passphrase ? (remember ? "rememberedPassphrase" : "passphrase") : "vault",
          createdAt: before(0),
        }),
      ),
    import_key: ({ name, key: text }) => {
      if (text.includes("PuTTY")) {
        throw refuse("key.format_refused", "This is a key of PuTTY", [
          { text: "Convert it first", command: "puttygen KEY.ppk -O private-openssh -o KEY" },
        ]);
      }
      return this.add(key(name, "ed25519", { origin: "imported", createdAt: before(0) }));
    },
    export_key: ({ name, newPassphrase }) => ({
      publicKey: this.find(name).publicKey,
      privateKey: newPassphrase
        ? "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHI\n-----END OPENSSH PRIVATE KEY-----\n"
        : null,
    }),
    change_key_passphrase: ({ name, newPassphrase, remember }) => {
      const changed: KeyRecord = {
        ...this.find(name),
        protection: newPassphrase ? (remember ? "rememberedPassphrase" : "passphrase") : "vault",
      };
      this.put(changed);
      return changed;
    },
    rotate_key: ({ name }) => {
      const old = this.find(name ?? "access");
      const fresh: KeyRecord = {
        ...old,
        fingerprint: `SHA256:new${old.fingerprint.slice(10)}`,
        createdAt: before(0),
      };
      this.put(fresh);
      return { key: fresh, oldFingerprint: old.fingerprint, retiresAt: before(-3_600_000) };
    },
    remove_key: ({ name }) => {
      const { fingerprint } = this.find(name);
      this.keys = this.keys.filter((one) => one.name !== name);
      this.held = this.held.filter((one) => one.name !== name);
      return { name, fingerprint, takenFromAgent: 0 };
    },
    list_agent_keys: () => ({ agent: "/run/user/1000/ssh-agent.socket", keys: this.held }),
    add_agent_key: ({ name }) => {
      const { keyType, fingerprint } = this.find(name);
      this.held = [
        ...this.held,
        { keyType, fingerprint, comment: "wren@nest", name, certificate: CERTIFICATE },
      ];
      return { agent: "/run/user/1000/ssh-agent.socket", keys: this.held };
    },
    remove_agent_key: ({ name }) => {
      this.held = this.held.filter((one) => one.name !== name);
      return { changed: true };
    },
  };

  private find(name: string): KeyRecord {
    const found = this.keys.find((one) => one.name === name);
    if (!found) throw refuse("key.not_found", `There is no key ${name}`);
    return found;
  }

  private add(made: KeyRecord): KeyRecord {
    if (this.keys.some((one) => one.name === made.name)) {
      throw refuse("key.exists", `There is a key ${made.name} already`, [
        { text: "Choose another name, or remove that one first", command: null },
      ]);
    }
    this.keys = [...this.keys, made];
    return made;
  }

  private put(changed: KeyRecord): void {
    this.keys = this.keys.map((one) => (one.name === changed.name ? changed : one));
  }
}
