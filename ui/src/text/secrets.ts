import type { AskedSecretState, SecretDelivery, VaultWay } from "../generated/types";
import { count } from "./count";

const delivery: Record<SecretDelivery, string> = { environment: "Environment", file: "File" };

const way: Record<VaultWay, string> = {
  keychain: "Keychain",
  "key-file": "Key file",
  "systemd-credential": "systemd credential",
  "own-file": "File beside the vault",
  passphrase: "Passphrase",
  "recovery-key": "Recovery key",
};

const wayWords: Record<VaultWay, string> = {
  keychain: "The keychain of this system keeps the key and opens the vault by itself.",
  "key-file": "The file that DEVCTL_MASTER_KEY_FILE names, for machines without a person.",
  "systemd-credential": "The systemd credential devctl-master-key, for services.",
  "own-file": "A file beside the vault: whoever reads the disk reads the vault.",
  passphrase: "You type it each time that the vault is opened.",
  "recovery-key": "Printed, for the day when every other way is gone.",
};

const asked: Record<AskedSecretState, string> = {
  set: "Set",
  declined: "Left empty",
  missing: "Missing",
  refused: "No variable can have this name",
};

/** Secrets and the vault that holds them. */
export const secrets = {
  title: "Secrets",
  set: "Set secret",
  setEntry: "Set a secret…",
  filter: "Filter secrets",
  filterHint: "name or folder",
  person: "For every container",
  list: (scope: string) => `Secrets: ${scope}`,
  count: (n: number) => count(n, "secret"),
  delivery,
  columns: { delivery: "Given as", changed: "Set" },
  emptyTitle: "No secrets yet",
  emptyText:
    "A token or a password that your containers need. It reaches hooks, sessions and terminals, as a variable or as a file in memory. It is never in an image, in a log or in inspect.",
  filteredTitle: "Nothing fits the filter",
  filteredText: (n: number) => `${count(n, "secret")} ${n === 1 ? "is" : "are"} hidden.`,
  label: (name: string) => `Secret ${name}`,
  facts: {
    scope: "For",
    delivery: "Given as",
    changed: "Set",
    path: "In the container",
    variable: "Variable",
    value: "Value",
  },
  file: (name: string) => `/run/devctl-secrets/${name}`,
  hidden: "••••••••••••",
  reveal: "Reveal",
  hide: "Hide",
  base64: "It is no text. This is its base64.",
  revealed: "Revealing is written to the activity log, the value is not.",
  replace: "Replace…",
  remove: "Remove…",

  askedState: asked,
  askedTitle: "Its configuration asks for",
  askedUnknown: "What its configuration asks for could not be read",
  askedSet: "Set…",
  askedSetLabel: (name: string) => `Set ${name}`,

  form: {
    title: "Set a secret",
    replaceTitle: (name: string) => `Replace ${name}`,
    name: "Name",
    nameHint: "Letters, digits and underscores: the variable or the file.",
    scope: "For",
    everyContainer: "Every container",
    value: "Value",
    valueHint: "It goes into the vault. This window does not show it again unless you ask.",
    show: "Show while typing",
    delivery: "Given as",
    environment: "An environment variable",
    asFile: "A file in memory",
    asFileHint: "/run/devctl-secrets/NAME; NAME_FILE says so in the environment.",
    act: "Set",
    waitsName: "Waits for a name",
    waitsValue: "Waits for a value",
  },

  removeTitle: (name: string) => `Remove ${name}`,
  removeAct: "Remove",
  removeGoes: "Its value, from the vault. There is no copy",
  removeStays: [
    "What runs now keeps it until it ends",
    "Containers lose it when they are entered next",
  ],

  vault: {
    title: "Vault",
    none: "It is made when something has to be kept.",
    opened: (words: string) => `Open, by: ${words}`,
    closed: "It cannot be opened",
    entries: (n: number) => `${count(n, "entry", "entries")}: your secrets, and keys of our own`,
    watched: "Copies",
    watchedIn: (where: string) => `An older copy is noticed, through ${where}`,
    keychain: "Keychain",
    keychainReady: "Ready",
    keychainNot: "Not ready",
    unlock: "Unlock…",
    ways: "Ways in",
    wayNames: way,
    wayWords,
    byItself: "opens by itself",
    asks: "asks you",
    now: "used now",
    only: "It is the only one. Add another before you take it away.",
    add: "Add a way",
    removeWay: (name: string) => `Take ${name} away…`,
    recovery: "Recovery key…",
    recoveryAgain: "New recovery key…",
    path: "File",
  },

  way: {
    addTitle: (name: string) => `Add a way in: ${name}`,
    removeTitle: (name: string) => `Take a way in away: ${name}`,
    add: "Add",
    remove: "Take away",
    place: "In the place of",
    beside: "Nothing, beside the others",
    kept: "Every entry. The vault's content is not touched",
    gone: (name: string) => `${name} does not open the vault any more`,
    openTitle: "Opens the vault now",
    openPassphrase: "Its passphrase",
    openRecovery: "The recovery key",
    older: "It is older than what was seen last, and I restored it on purpose",
    waitsPassphrase: "Waits for the same passphrase twice",
    leftBehind: "The key of the way that is gone is still in its place",
    done: "Done",
  },

  recovery: {
    title: "Recovery key",
    about:
      "Eight groups of letters and digits that open the vault when the keychain is gone. It is shown once and kept nowhere. Print it and put it away.",
    replaces: "The one that you have stops working.",
    passphrase: "Passphrase",
    passphraseHint: "Of the vault, where nothing else opens it.",
    act: "Make recovery key",
    shown: "Shown once. Who has it can open the vault.",
    lost: "When this is closed it is gone. You can make another one at any time.",
  },

  unlock: {
    title: "Unlock the keychain",
    about: "The keychain's own prompt asks for its password. Where it has none, type it here.",
    password: "Password",
    passwordHint: "Nothing: the keychain's own prompt asks.",
    act: "Unlock",
  },
} as const;
