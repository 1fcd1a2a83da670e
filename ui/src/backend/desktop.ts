import { Channel, invoke } from "@tauri-apps/api/core";
import { getCurrentWebview } from "@tauri-apps/api/webview";
import { getCurrentWindow } from "@tauri-apps/api/window";
import type { Streams } from "../generated/operations";
import {
  BackendError,
  isProblem,
  problemOf,
  type Backend,
  type Listener,
  type OperationName,
  type Request,
  type Response,
  type Stop,
  type StreamName,
} from "./backend";

type StreamMessage<Item> = { type: "item"; item: Item } | { type: "end" };

let lastStream = 0;

async function send<T>(command: string, payload: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(command, payload);
  } catch (error) {
    throw isProblem(error) ? new BackendError(error) : new BackendError(problemOf(error));
  }
}

function listen<K extends StreamName>(
  name: K,
  request: Streams[K]["request"],
  listener: Listener<Streams[K]["item"]>,
): Stop {
  const id = ++lastStream;
  let live = true;
  const channel = new Channel<StreamMessage<Streams[K]["item"]>>();
  channel.onmessage = (message) => {
    if (!live) return;
    if (message.type === "item") return listener.onItem(message.item);
    live = false;
    listener.onEnd?.(null);
  };
  const opened = send<null>("listen", { id, name, request, channel }).catch((error: unknown) => {
    if (!live) return;
    live = false;
    listener.onEnd?.(problemOf(error));
  });
  return () => {
    if (!live) return;
    live = false;
    // Stopping before the shell has opened it would leave it running there.
    void opened.then(() => send<null>("unlisten", { id }));
  };
}

/** The backend inside the desktop window. */
export const desktopBackend: Backend = {
  startup: (again) => send("startup", { again }),
  call: <K extends OperationName>(name: K, request: Request<K>) =>
    send<Response<K>>("call", { name, request }),
  listen,
  desktop: {
    pickFolder: () => send("pick_folder", {}),
    onDrop: (handler) => {
      const stopping = getCurrentWebview().onDragDropEvent((event) => {
        if (event.payload.type === "drop") handler(event.payload.paths);
      });
      return () => void stopping.then((stop) => stop());
    },
    minimize: () => void getCurrentWindow().minimize(),
    toggleMaximize: () => void getCurrentWindow().toggleMaximize(),
    close: () => void getCurrentWindow().close(),
  },
};
