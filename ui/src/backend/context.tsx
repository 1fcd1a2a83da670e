import { createContext, useContext } from "react";
import type { Backend, Desktop } from "./backend";

const BackendContext = createContext<Backend | null>(null);

export const BackendProvider = BackendContext.Provider;

/** The way to the core. */
export function useBackend(): Backend {
  const backend = useContext(BackendContext);
  if (!backend) throw new Error("BackendProvider is missing above this component");
  return backend;
}

/** What only a desktop can do, or null in a browser. */
export function useDesktop(): Desktop | null {
  return useBackend().desktop;
}
