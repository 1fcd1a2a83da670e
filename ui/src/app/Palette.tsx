import * as Dialog from "@radix-ui/react-dialog";
import { useRef, useState } from "react";
import { useRead } from "../backend/cache";
import { useDesktop } from "../backend/context";
import { Icon, type IconName } from "../components/Icon";
import { Keys } from "../components/Keys";
import { shape, StatusGlyph } from "../components/StatusGlyph";
import type { Container } from "../generated/types";
import { text } from "../text";
import { runs, useContainerActions } from "./actions";
import { useApp, type Overlay, type View } from "./app-state";

interface Entry {
  id: string;
  group: string;
  label: string;
  aside?: string | undefined;
  icon?: IconName;
  container?: Container;
  keys?: string[];
  act: () => void;
}

/** How many entries are shown at once. */
const SHOWN = 60;

/** Reaches every container and every operation by a few letters. */
export function Palette() {
  const { show } = useApp();
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const entries = useEntries()
    .filter((entry) => match(entry.label, words) !== null || (words === "" && entry.group))
    .slice(0, SHOWN);
  const current = entries[Math.min(at, entries.length - 1)];
  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    show(null);
    entry.act();
  };
  const move = (by: number) => {
    const next =
      (Math.min(at, entries.length - 1) + by + entries.length) % Math.max(1, entries.length);
    setAt(next);
    list.current?.querySelector(`[data-index="${next}"]`)?.scrollIntoView({ block: "nearest" });
  };

  return (
    <Dialog.Root open onOpenChange={(open) => !open && show(null)}>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content
          className="sheet max-h-[calc(100vh-140px)]"
          style={{ top: 96, width: "min(640px, calc(100vw - 32px))" }}
          aria-describedby={undefined}
        >
          <Dialog.Title className="sr-only">{text.palette.title}</Dialog.Title>
          <input
            className="h-13 flex-none border-b border-line bg-transparent px-5 text-head font-normal! outline-none"
            role="combobox"
            aria-expanded="true"
            aria-controls="palette-list"
            aria-activedescendant={current ? `palette-${current.id}` : undefined}
            aria-label={text.palette.title}
            placeholder={text.palette.placeholder}
            spellCheck={false}
            value={words}
            onChange={(event) => {
              setWords(event.target.value);
              setAt(0);
            }}
            onKeyDown={(event) => {
              if (event.key === "ArrowDown" || event.key === "ArrowUp") {
                event.preventDefault();
                move(event.key === "ArrowDown" ? 1 : -1);
              } else if (event.key === "Enter") {
                event.preventDefault();
                run(current);
              }
            }}
          />
          <div
            ref={list}
            id="palette-list"
            role="listbox"
            aria-label={text.palette.title}
            className="min-h-0 flex-1 overflow-y-auto p-2"
          >
            {entries.length === 0 && <p className="px-2 py-3 text-3">{text.palette.none}</p>}
            {entries.map((entry, index) => (
              <div key={entry.id} role="presentation">
                {entries[index - 1]?.group !== entry.group && (
                  <p className="px-2 pt-2 pb-1 text-small text-3" aria-hidden="true">
                    {entry.group}
                  </p>
                )}
                <Option
                  entry={entry}
                  index={index}
                  words={words}
                  current={entry === current}
                  onHover={() => setAt(index)}
                  onRun={() => run(entry)}
                />
              </div>
            ))}
          </div>
          <footer className="flex h-9 flex-none items-center gap-4 border-t border-line px-4 text-small text-2">
            <span className="flex items-center gap-2">
              <Keys keys={["↑", "↓"]} /> {text.palette.choose}
            </span>
            <span className="ml-auto flex items-center gap-2 text-1">
              <span className="truncate">{current?.label}</span> <Keys keys={["↵"]} />
            </span>
          </footer>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Option({
  entry,
  index,
  words,
  current,
  onHover,
  onRun,
}: {
  entry: Entry;
  index: number;
  words: string;
  current: boolean;
  onHover: () => void;
  onRun: () => void;
}) {
  return (
    // The field keeps the focus and holds the keys; the pointer is the other way.
    // eslint-disable-next-line jsx-a11y/click-events-have-key-events
    <div
      id={`palette-${entry.id}`}
      data-index={index}
      role="option"
      tabIndex={-1}
      aria-selected={current}
      className={`flex h-9 items-center gap-2.5 rounded-control px-2 ${current ? "bg-selected" : ""}`}
      onMouseMove={onHover}
      onClick={onRun}
    >
      {entry.container ? (
        <StatusGlyph shape={shape.container(entry.container.state)} />
      ) : (
        <Icon name={entry.icon ?? "box"} className="text-2" />
      )}
      <Marked label={entry.label} words={words} />
      {entry.aside && <span className="min-w-0 truncate text-small text-3">{entry.aside}</span>}
      {entry.keys && (
        <span className="ml-auto">
          <Keys keys={entry.keys} />
        </span>
      )}
    </div>
  );
}

function Marked({ label, words }: { label: string; words: string }) {
  const at = words ? match(label, words) : null;
  if (at === null) return <span className="font-medium whitespace-nowrap">{label}</span>;
  const end = at + words.trim().length;
  return (
    <span className="font-medium whitespace-nowrap">
      {label.slice(0, at)}
      <span className="text-accent-text">{label.slice(at, end)}</span>
      {label.slice(end)}
    </span>
  );
}

/** Where the words begin in the label; null when they are not in it. */
function match(label: string, words: string): number | null {
  const at = label.toLowerCase().indexOf(words.trim().toLowerCase());
  return at === -1 ? null : at;
}

const VIEWS: readonly { view: View; icon: IconName }[] = [
  { view: "containers", icon: "box" },
  { view: "hosts", icon: "server" },
  { view: "ssh", icon: "key" },
  { view: "secrets", icon: "lock" },
  { view: "activity", icon: "activity" },
  { view: "settings", icon: "settings" },
];

function useEntries(): Entry[] {
  const { place, go, show } = useApp();
  const desktop = useDesktop();
  const actions = useContainerActions();
  const containers = useRead("list_containers", {}).data?.containers ?? [];
  const open = containers.find((container) => container.id === place.container);
  return [
    ...(open ? onContainer(open, actions, text.palette.on(open.name)) : []),
    ...containers.map((container) => ({
      id: container.id,
      group: text.palette.containers,
      label: container.name,
      aside: `${text.state[container.state]}, ${container.image}`,
      container,
      act: () => actions.open(container),
    })),
    {
      id: "new",
      group: text.palette.operations,
      label: text.palette.newContainer,
      icon: "plus" as const,
      keys: ["Ctrl", "N"],
      act: () => show({ kind: "create", source: "" }),
    },
    ...(desktop
      ? [
          {
            id: "folder",
            group: text.palette.operations,
            label: text.palette.openFolder,
            icon: "folder" as const,
            act: () =>
              void desktop
                .pickFolder()
                .then((folder) => folder && show({ kind: "create", source: folder })),
          },
        ]
      : []),
    ...containers
      .filter((container) => container !== open)
      .flatMap((container) =>
        onContainer(container, actions, text.palette.operations, container.name),
      ),
    ...VIEWS.map(({ view, icon }) => ({
      id: view,
      group: text.palette.operations,
      label: text.palette.goTo(text.shell.views[view]),
      icon,
      act: () => go({ view }),
    })),
    ...actsOf(show),
    {
      id: "keys",
      group: text.palette.operations,
      label: text.keys.title,
      icon: "more" as const,
      keys: ["?"],
      act: () => show({ kind: "keys" }),
    },
  ];
}

/** What is asked for by a sheet of its own. */
function actsOf(show: ReturnType<typeof useApp>["show"]): Entry[] {
  const entry = (label: string, icon: IconName, overlay: Overlay): Entry => ({
    id: label,
    group: text.palette.operations,
    label,
    icon,
    act: () => show(overlay),
  });
  const { ssh, keyWords, secrets } = text;
  return [
    entry(ssh.issue.title, "shieldCheck", { kind: "ssh", sheet: { act: "issue" } }),
    entry(ssh.explain.title, "shield", { kind: "ssh", sheet: { act: "explain" } }),
    entry(ssh.revocation.new, "shield", {
      kind: "ssh",
      sheet: { act: "revoke", certificate: null },
    }),
    ...(["user", "host"] as const).flatMap((authority) => [
      entry(ssh.rotation.under(authority), "restart", {
        kind: "ssh",
        sheet: { act: "rotate", authority },
      }),
    ]),
    entry(ssh.import.title, "key", {
      kind: "ssh",
      sheet: { act: "importAuthority", authority: "user" },
    }),
    entry(keyWords.generateTitle, "key", { kind: "ssh", sheet: { act: "generateKey" } }),
    entry(keyWords.importTitle, "key", { kind: "ssh", sheet: { act: "importKey" } }),
    entry(secrets.setEntry, "lock", { kind: "secret", sheet: { act: "set", secret: null } }),
    entry(secrets.recovery.title, "lock", { kind: "secret", sheet: { act: "recoveryKey" } }),
  ];
}

function onContainer(
  container: Container,
  actions: ReturnType<typeof useContainerActions>,
  group: string,
  name?: string,
): Entry[] {
  const words = text.containers;
  const running = runs(container);
  const entry = (
    label: string,
    icon: IconName,
    act: (container: Container) => void,
    keys: string[],
  ): Entry => ({
    id: `${container.id}-${label}`,
    group,
    label,
    aside: name,
    icon,
    ...(name ? {} : { keys }),
    act: () => act(container),
  });
  return [
    ...(running ? [entry(words.terminal, "terminal", actions.terminal, ["T"])] : []),
    entry(words.copySsh, "copy", actions.copySsh, ["C"]),
    entry(running ? words.stop : words.start, running ? "stop" : "play", actions.toggle, ["S"]),
    entry(words.restart, "restart", actions.restart, ["R"]),
    entry(words.rebuild, "rebuild", actions.rebuild, ["Ctrl", "R"]),
    entry(words.remove, "trash", actions.remove, ["Del"]),
  ];
}
