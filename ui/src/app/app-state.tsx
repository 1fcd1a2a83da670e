import {
  createContext,
  useCallback,
  useContext,
  useMemo,
  useReducer,
  useRef,
  type ReactNode,
} from "react";
import type { SecretSheet } from "../features/secrets/sheets";
import type { SshSheet } from "../features/ssh/sheets";
import type { Operations } from "../generated/operations";
import type { Container, Problem } from "../generated/types";

export type View = "containers" | "hosts" | "ssh" | "secrets" | "activity" | "settings";
export type DetailTab = "overview" | "terminal" | "logs" | "events";

/** Where the person is. */
export interface Place {
  view: View;
  /** Id of the container whose pane is open. */
  container: string | null;
  tab: DetailTab;
  /** The pane takes the room and the list shows names only. */
  wide: boolean;
  /** Only containers of this host are shown. */
  host: string | null;
}

/** What lies over the window. */
export type Overlay =
  | { kind: "create"; source: string }
  | { kind: "job"; job: string }
  | { kind: "remove"; container: Container }
  | { kind: "rebuild"; container: Container }
  | { kind: "problem"; title: string; problem: Problem }
  | { kind: "ssh"; sheet: SshSheet }
  | { kind: "secret"; sheet: SecretSheet }
  | { kind: "palette" }
  | { kind: "keys" };

/** Something that ended out of sight. */
export interface Toast {
  id: number;
  tone: "done" | "failed";
  text: string;
  /** What its button opens. */
  opens?: Overlay;
}

/** How a job was asked for, so that it can be asked for again with consent. */
export type JobOrigin = {
  [K in "up" | "start_container" | "restart_container" | "rebuild_container"]: {
    operation: K;
    request: Operations[K]["request"];
  };
}["up" | "start_container" | "restart_container" | "rebuild_container"];

interface State {
  place: Place;
  overlay: Overlay | null;
  toasts: Toast[];
  filter: string;
}

type Action =
  | { type: "go"; place: Partial<Place> }
  | { type: "overlay"; overlay: Overlay | null }
  | { type: "toast"; toast: Toast }
  | { type: "dismiss"; id: number }
  | { type: "filter"; filter: string };

const start: State = {
  place: { view: "containers", container: null, tab: "overview", wide: false, host: null },
  overlay: null,
  toasts: [],
  filter: "",
};

function reduce(state: State, action: Action): State {
  switch (action.type) {
    case "go":
      return { ...state, place: { ...state.place, ...action.place } };
    case "overlay":
      return { ...state, overlay: action.overlay };
    case "toast":
      return { ...state, toasts: [...state.toasts, action.toast] };
    case "dismiss":
      return { ...state, toasts: state.toasts.filter((toast) => toast.id !== action.id) };
    case "filter":
      return { ...state, filter: action.filter };
  }
}

interface App extends State {
  go: (place: Partial<Place>) => void;
  show: (overlay: Overlay | null) => void;
  toast: (toast: Omit<Toast, "id">) => void;
  dismiss: (id: number) => void;
  setFilter: (filter: string) => void;
  /** Remembers how a job was asked for. */
  rememberOrigin: (job: string, origin: JobOrigin) => void;
  originOf: (job: string) => JobOrigin | undefined;
}

const AppContext = createContext<App | null>(null);

/** Where the person is, what lies over the window, and what has to be said. */
export function AppProvider({ children, at = {} }: { children: ReactNode; at?: Partial<Place> }) {
  const [state, dispatch] = useReducer(reduce, { ...start, place: { ...start.place, ...at } });
  const origins = useRef(new Map<string, JobOrigin>());
  const lastToast = useRef(0);

  const go = useCallback((place: Partial<Place>) => dispatch({ type: "go", place }), []);
  const show = useCallback((overlay: Overlay | null) => dispatch({ type: "overlay", overlay }), []);
  const dismiss = useCallback((id: number) => dispatch({ type: "dismiss", id }), []);
  const setFilter = useCallback((filter: string) => dispatch({ type: "filter", filter }), []);
  const toast = useCallback((toast: Omit<Toast, "id">) => {
    lastToast.current += 1;
    dispatch({ type: "toast", toast: { ...toast, id: lastToast.current } });
  }, []);
  const rememberOrigin = useCallback((job: string, origin: JobOrigin) => {
    origins.current.set(job, origin);
  }, []);
  const originOf = useCallback((job: string) => origins.current.get(job), []);

  const app = useMemo<App>(
    () => ({ ...state, go, show, toast, dismiss, setFilter, rememberOrigin, originOf }),
    [state, go, show, toast, dismiss, setFilter, rememberOrigin, originOf],
  );
  return <AppContext value={app}>{children}</AppContext>;
}

export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("AppProvider is missing above this component");
  return app;
}
