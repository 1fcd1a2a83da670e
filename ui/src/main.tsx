import "./start";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { AppProvider } from "./app/app-state";
import { App } from "./app/App";
import { applyTheme, followSystem } from "./app/theme";
import type { Backend } from "./backend/backend";
import { createQueryClient } from "./backend/cache";
import { BackendProvider } from "./backend/context";
import { desktopBackend } from "./backend/desktop";
import "./styles/theme.css";

applyTheme();
followSystem();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");

const backend = await chooseBackend();
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={createQueryClient()}>
      <BackendProvider value={backend}>
        <AppProvider>
          <App />
        </AppProvider>
      </BackendProvider>
    </QueryClientProvider>
  </StrictMode>,
);

/** The development server can run without a core, for looking at the screens; the product has only one backend. */
async function chooseBackend(): Promise<Backend> {
  if (import.meta.env.MODE !== "production") {
    const scene = new URLSearchParams(location.search);
    if (scene.get("backend") === "fake") {
      const { FakeBackend } = await import("./backend/fake");
      return new FakeBackend(scene.get("scene") ?? "full");
    }
  }
  return desktopBackend;
}
