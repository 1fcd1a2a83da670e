import type { ErrorCode, Fix, Problem } from "../../generated/types";
import { BackendError, type OperationName } from "../backend";

/** A refusal as the core words it. */
export function refuse(code: ErrorCode, message: string, fixes: Fix[] = []): BackendError {
  return new BackendError({
    code,
    message,
    at: null,
    why: [],
    lines: [],
    fixes,
    safe: [],
    trust: null,
  });
}

/** What the keychain has to be open for. */
const NEEDS_VAULT: ReadonlySet<OperationName> = new Set([
  "list_authorities",
  "set_secret",
  "reveal_secret",
  "generate_key",
  "issue_certificate",
  "make_recovery_key",
  "change_vault",
]);

/** What is read from the store. */
const NEEDS_STORE: ReadonlySet<OperationName> = new Set([
  "list_authorities",
  "list_certificates",
  "list_revocations",
  "list_keys",
  "list_secrets",
]);

/** The refusal with which a scene answers an operation. */
export function sceneRefusal(
  scene: string,
  name: OperationName,
  locked: boolean,
): Problem | undefined {
  if (locked && NEEDS_VAULT.has(name)) {
    return {
      ...refuse("secrets.keychain_locked", "The keychain is locked", [
        { text: "Unlock it, then this page goes on by itself", command: "devctl doctor --fix" },
      ]).problem,
      why: ["the Secret Service answered: collection login is locked"],
      safe: ["Nothing was changed", "Logins with the certificate that you have go on"],
    };
  }
  if (scene === "unreadable" && NEEDS_STORE.has(name)) {
    return {
      ...refuse("store.unreadable", "The records in state.db cannot be read", [
        { text: "See what is wrong with it", command: "devctl doctor" },
      ]).problem,
      at: "/home/wren/.local/state/devctl/state.db",
      why: ["database disk image is malformed"],
      safe: ["Containers keep running", "Nothing was changed"],
    };
  }
  return undefined;
}
