import type { Host } from "../generated/types";
import { text } from "../text";

/** How a host is called in the interface: the engine of this machine has no name that a person gave it. */
export function hostTitle(host: Host | string, hosts: readonly Host[] = []): string {
  const found = typeof host === "string" ? hosts.find((known) => known.name === host) : host;
  const name = typeof host === "string" ? host : host.name;
  if (name !== "default") return name;
  const local = !found || found.url.startsWith("unix:") || found.url.startsWith("npipe:");
  return local ? text.shell.thisComputer : name;
}
