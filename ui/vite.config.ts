import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  // The address that tauri.conf.json names; another one would show an empty window.
  server: { host: "127.0.0.1", port: 1420, strictPort: true },
  // The window is WebKit on Linux and macOS, Chromium on Windows.
  build: { target: ["safari16", "chrome111"], chunkSizeWarningLimit: 900 },
  test: {
    environment: "jsdom",
    setupFiles: ["src/test/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    css: false,
    testTimeout: 30_000,
  },
});
