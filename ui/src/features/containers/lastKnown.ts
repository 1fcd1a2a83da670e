import { useState } from "react";
import type { Container, ContainerList, Host } from "../../generated/types";

/** The list, and beside it what was known last of hosts that do not answer now: a silent host loses no rows. */
export function useLastKnown(
  list: ContainerList | undefined,
  hosts: readonly Host[],
): readonly Container[] {
  const [seen, setSeen] = useState<{ list?: ContainerList; containers: readonly Container[] }>({
    containers: [],
  });
  if (!list) return seen.containers;
  if (list === seen.list) return seen.containers;
  const containers = withLastKnown(seen.containers, list, hosts);
  setSeen({ list, containers });
  return containers;
}

/** Keeps what is not listed any more when its host is silent; a host that answers has the last word. */
export function withLastKnown(
  before: readonly Container[],
  list: ContainerList,
  hosts: readonly Host[],
): readonly Container[] {
  const silent = new Set(
    [...list.unreachable, ...hosts.filter((host) => host.state !== "ready")].map(
      ({ name }) => name,
    ),
  );
  const listed = new Set(list.containers.map(({ id }) => id));
  const kept = before.filter(({ id, host }) => silent.has(host) && !listed.has(id));
  return kept.length === 0 ? list.containers : [...list.containers, ...kept];
}
