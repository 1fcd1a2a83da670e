import { useEffect } from "react";
import { useApp } from "./app-state";

/** The keys that work everywhere. Letters are left alone while somebody types. */
export function useShortcuts(): void {
  const { overlay, place, show, go } = useApp();
  const free = overlay === null;
  const open = place.container !== null;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const control = event.ctrlKey || event.metaKey;
      const key = event.key.toLowerCase();
      if (control && key === "k") {
        event.preventDefault();
        show({ kind: "palette" });
      } else if (control && key === "n" && free) {
        event.preventDefault();
        show({ kind: "create", source: "" });
      } else if (free && !control && !event.altKey && !typing(event.target)) {
        if (key === "/") {
          event.preventDefault();
          go({ view: "containers", wide: false });
          requestAnimationFrame(() => dispatchEvent(new Event("devctl:filter")));
        } else if (key === "?") {
          show({ kind: "keys" });
        } else if (key === "escape" && open && !event.defaultPrevented) {
          go({ container: null, wide: false });
        }
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [free, open, show, go]);
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName))
  );
}
