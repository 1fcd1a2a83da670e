import {
  QueryClient,
  useMutation,
  useQuery,
  useQueryClient,
  type Query,
} from "@tanstack/react-query";
import { useEffect } from "react";
import { OPERATIONS, STALE } from "../generated/operations";
import type { Change, Problem, Tag } from "../generated/types";
import { problemOf, type OperationName, type Request, type Response } from "./backend";
import { useBackend } from "./context";

/** How long to wait before listening again after the stream of changes broke off. */
const RECONNECT_MS = 1000;

/** While a read fails it is asked again this often, so that an engine that comes back needs no click. */
const RETRY_FAILED_MS = 2000;

export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      // Only tags make a read stale: the core tells when something changed.
      queries: { staleTime: Infinity, gcTime: 300_000, retry: false, refetchOnWindowFocus: false },
      // What was sent and answered may be a secret: it is forgotten with the component that asked.
      mutations: { gcTime: 0 },
    },
  });
}

/** What a read gives a component. */
export interface Read<T> {
  data: T | undefined;
  problem: Problem | null;
  /** True until the first answer or failure. */
  loading: boolean;
}

/**
 * Reads through the cache; refreshed by tags alone. With `skip` nothing is asked. A failed read is asked again by
 * itself, unless `retry` is false: then its failure is an answer.
 */
export function useRead<K extends OperationName>(
  name: K,
  request: Request<K>,
  options: { skip?: boolean; keepPrevious?: boolean; retry?: boolean } = {},
): Read<Response<K>> {
  const backend = useBackend();
  const query = useQuery<Response<K>>({
    queryKey: [name, request],
    queryFn: () => backend.call(name, request),
    enabled: !options.skip,
    refetchInterval: (query) =>
      query.state.status === "error" && options.retry !== false ? RETRY_FAILED_MS : false,
    ...(options.keepPrevious ? { placeholderData: (previous) => previous } : {}),
  });
  return {
    data: query.data,
    problem: query.error ? problemOf(query.error) : null,
    loading: query.isPending && !options.skip,
  };
}

/** An operation that changes something: what it makes stale is read again when it has ended, well or badly. */
export function useChange<K extends OperationName>(name: K) {
  const backend = useBackend();
  const client = useQueryClient();
  return useMutation<Response<K>, unknown, Request<K>>({
    mutationFn: (request) => backend.call(name, request),
    onSettled: () => refresh(client, OPERATIONS[name].tags),
  });
}

/** Keeps the cache true for as long as the component lives. `onChange` also sees each change. */
export function useChanges(onChange: (change: Change) => void): void {
  const backend = useBackend();
  const client = useQueryClient();
  useEffect(() => {
    let again: ReturnType<typeof setTimeout> | undefined;
    let stop = connect();
    function connect() {
      return backend.listen(
        "changes",
        {},
        {
          onItem: (change) => {
            refresh(client, STALE[change.type] ?? []);
            onChange(change);
          },
          onEnd: () => {
            // Whatever happened in between was not heard.
            again = setTimeout(() => {
              refresh(client, STALE["resync"] ?? []);
              stop = connect();
            }, RECONNECT_MS);
          },
        },
      );
    }
    return () => {
      clearTimeout(again);
      stop();
    };
  }, [backend, client, onChange]);
}

function refresh(client: QueryClient, tags: readonly Tag[]): void {
  if (tags.length === 0) return;
  void client.invalidateQueries({ predicate: (query) => shows(query, tags) });
}

/** True when the read behind this query shows something with one of these tags. */
function shows(query: Query, tags: readonly Tag[]): boolean {
  const name = query.queryKey[0];
  if (typeof name !== "string" || !(name in OPERATIONS)) return false;
  const info = OPERATIONS[name as OperationName];
  return info.tags.some((tag) => tags.includes(tag));
}
