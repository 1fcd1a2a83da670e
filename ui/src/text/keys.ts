import type { KeyOrigin, KeyProtection, KeyState, KeyType } from "../generated/types";
import { count } from "./count";

const protection: Record<KeyProtection, string> = {
  vault: "Vault",
  passphrase: "Passphrase",
  rememberedPassphrase: "Passphrase, kept",
  fileMode: "File",
  notHere: "Not here",
};

const protectionWords: Record<KeyProtection, string> = {
  vault: "Encrypted with a passphrase that was made here and is in the vault",
  passphrase: "Encrypted with your own passphrase, which is not kept",
  rememberedPassphrase: "Encrypted with your own passphrase, which is in the vault as you asked",
  fileMode: "A file that only you can read. It opens nothing without a fresh certificate",
  notHere: "Not here: on a token, or another person's",
};

const origin: Record<KeyOrigin, string> = {
  generated: "Made here",
  imported: "Imported",
  public: "Public half only",
};

const state: Record<KeyState, string> = {
  active: "In use",
  retiring: "Retiring",
  revoked: "Revoked",
};

const type: Record<KeyType, string> = {
  ed25519: "Ed25519",
  "ecdsa-p256": "ECDSA P-256",
  "ecdsa-p384": "ECDSA P-384",
  "ecdsa-p521": "ECDSA P-521",
  "rsa-3072": "RSA 3072",
  "rsa-4096": "RSA 4096",
};

/** Keys of people, and the ssh-agent. */
export const keys = {
  protection,
  protectionWords,
  origin,
  state,
  type,
  typeOf: (name: string) => (type as Record<string, string>)[name] ?? name,
  access: "Access key",
  label: (name: string) => `Key ${name}`,
  generate: "New key…",
  import: "Import…",
  weak: "weak",
  retiring: "retiring",
  revoked: "revoked",
  inAgent: "in agent",
  facts: {
    type: "Type",
    fingerprint: "Fingerprint",
    protection: "Private half",
    path: "File",
    origin: "Came",
    created: "Since",
    replacedBy: "Followed by",
    retires: "Revoked at",
    certificate: "Certificate",
    publicKey: "Public key",
  },
  certificateLeft: (serial: number, t: string) => `Number ${serial}, ${t} left`,
  certificateOver: (serial: number) => `Number ${serial}, expired`,
  noCertificate: "None yet",
  rotate: "Rotate…",
  export: "Export…",
  passphrase: "Passphrase…",
  remove: "Remove…",
  toAgent: "Give to agent…",
  fromAgent: "Take from agent",

  form: {
    name: "Name",
    nameHint: "a to z, 0 to 9, - and _",
    type: "Type",
    comment: "Comment",
    commentHint: "Stands at the end of the public half. Nothing: you and this computer.",
    protect: "Protected by",
    ours: "A passphrase that is made here and kept in the vault",
    own: "A passphrase of my own",
    remember: "Keep my passphrase in the vault, too",
    opens: "Passphrase now",
    opensHint: "It is not in the vault. It is used once and kept nowhere.",
    waitsName: "Waits for a name",
    waitsKey: "Waits for a key",
    waitsPassphrase: "Waits for the same passphrase twice",
    waitsOpen: "Waits for the passphrase of the key",
    waitsSpan: "Waits for a span of time",
  },
  generateTitle: "Make a key",
  generateAct: "Make key",
  importTitle: "Import a key",
  importAct: "Import",
  importKey: "Key",
  importHint: "A private key as OpenSSH writes it, PEM or PKCS#8; or the one line of a public key.",
  importPassphrase: "Passphrase",
  importPassphraseHint: "Where the key is encrypted. It goes on protecting it.",
  exportTitle: (name: string) => `Export ${name}`,
  exportHint: "Whoever has it and its passphrase can use it as you.",
  passphraseTitle: (name: string) => `Passphrase of ${name}`,
  passphraseAct: "Change",
  rotateTitle: (name: string) => `Rotate ${name}`,
  rotateAct: "Rotate",
  rotateHappens: [
    "A new key with a certificate of its own takes its place",
    "Every container and the ssh configuration follow",
  ],
  rotateStays: ["Open sessions, until the old key is revoked"],
  rotateLost: "The old key, revoked at the end of the overlap. That is final",
  overlap: "Overlap",
  overlapHint: "For how long the old key is accepted, too. 0 revokes it at once.",
  removeTitle: (name: string) => `Remove ${name}`,
  removeAct: "Remove",
  removeGoes: (protection: KeyProtection) =>
    protection === "notHere"
      ? ["Its public half and its certificate"]
      : [
          "Its private half. Without a copy elsewhere it is gone",
          "Its certificate and the passphrase in the vault",
          "What the ssh-agent holds of it",
        ],
  removeStays: ["Certificates that were signed for it elsewhere, until they end or are revoked"],

  agent: {
    tab: "Agent",
    title: (name: string) => `Give ${name} to the ssh-agent`,
    act: "Give to agent",
    about: "The key and a fresh certificate for it. The agent forgets both when the time is over.",
    lifetime: "For",
    lifetimeHint: "8h, 30m. Nothing: 8 hours.",
    confirm: "The agent asks before each use",
    listens: "listens here",
    holds: (n: number) => (n === 0 ? "It holds no key." : `It holds ${count(n, "key")}.`),
    unknown: "A type that is not known here",
    take: (name: string) => `Take ${name} from the agent`,
    list: "What the agent holds",
    withCertificate: (serial: number) => `with certificate ${serial}`,
  },
} as const;
