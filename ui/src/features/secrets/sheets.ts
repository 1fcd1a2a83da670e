import type { SecretInfo, VaultWay } from "../../generated/types";

/** What can be asked for over the window here. */
export type SecretSheet =
  /** With a secret: replaces its value. Else a new one, perhaps with a name and a container that are known. */
  | { act: "set"; secret: SecretInfo | null; name?: string; container?: string }
  | { act: "remove"; secret: SecretInfo }
  | { act: "addWay"; way: VaultWay }
  | { act: "removeWay"; way: VaultWay }
  | { act: "recoveryKey" }
  | { act: "unlock" };
