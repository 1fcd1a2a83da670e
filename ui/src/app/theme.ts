import { useCallback, useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "devctl.theme";
const listeners = new Set<() => void>();

function stored(): Theme {
  const value = localStorage.getItem(KEY);
  return value === "light" || value === "dark" ? value : "system";
}

function systemIsDark(): boolean {
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Puts the theme on the document; called once before the first frame and on every change. */
export function applyTheme(): void {
  const theme = stored();
  const dark = theme === "system" ? systemIsDark() : theme === "dark";
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
  for (const listener of listeners) listener();
}

/** Follows the system from now on. */
export function followSystem(): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
}

/** The choice of this window, and how to change it. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const theme = useSyncExternalStore(subscribe, stored);
  const choose = useCallback((theme: Theme) => {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
    applyTheme();
  }, []);
  return [theme, choose];
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
