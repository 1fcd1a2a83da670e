import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { CopyLine } from "../../components/CopyLine";
import { Icon } from "../../components/Icon";
import { IconButton } from "../../components/IconButton";
import { Menu } from "../../components/Menu";
import { ProblemView } from "../../components/ProblemView";
import { SkeletonRows } from "../../components/Skeleton";
import { StatusGlyph } from "../../components/StatusGlyph";
import type { KeychainInfo, VaultInfo, VaultWay } from "../../generated/types";
import { text } from "../../text";

/** The ways that a person can add here; the recovery key has an act of its own. */
const ADDABLE: readonly VaultWay[] = [
  "keychain",
  "passphrase",
  "own-file",
  "key-file",
  "systemd-credential",
];

/** The vault: whether it opens, by which ways, and what the keychain says. */
export function VaultPane() {
  const { show } = useApp();
  const { data, problem, loading } = useRead("show_vault", {});
  const words = text.secrets.vault;
  const ways = data?.ways.map((one) => one.way) ?? [];
  return (
    <aside
      aria-label={words.title}
      className="flex w-102 flex-none flex-col border-l border-line max-wide:w-auto max-wide:border-t max-wide:border-l-0"
    >
      <header className="flex h-12 flex-none items-center gap-2 px-4">
        <Icon name="shield" className="text-2" />
        <h2 className="text-head">{words.title}</h2>
      </header>
      <div className="selectable flex min-h-0 flex-1 flex-col gap-5 overflow-y-auto border-t border-line px-4 py-3">
        {loading && <SkeletonRows rows={3} />}
        {problem && <ProblemView problem={problem} />}
        {data && (
          <>
            <State vault={data} />
            {data.keychain && <Keychain keychain={data.keychain} />}
            {data.ways.length > 0 && <Ways vault={data} />}
            <section>
              <h3 className="mb-1.5 text-2">{words.path}</h3>
              <CopyLine line={data.path} />
            </section>
          </>
        )}
      </div>
      <footer className="flex min-h-13 flex-none items-center gap-2 border-t border-line px-4">
        <Menu
          align="start"
          trigger={
            <button type="button" className="btn" disabled={!data?.exists}>
              {words.add}
              <Icon name="chevronDown" size={14} />
            </button>
          }
          groups={[
            ADDABLE.filter((way) => !ways.includes(way)).map((way) => ({
              label: `${words.wayNames[way]}…`,
              act: () => show({ kind: "secret", sheet: { act: "addWay", way } }),
            })),
          ]}
        />
        <span className="flex-1" />
        <button
          type="button"
          className="btn"
          disabled={!data?.exists}
          onClick={() => show({ kind: "secret", sheet: { act: "recoveryKey" } })}
        >
          {ways.includes("recovery-key") ? words.recoveryAgain : words.recovery}
        </button>
      </footer>
    </aside>
  );
}

function State({ vault }: { vault: VaultInfo }) {
  const words = text.secrets.vault;
  if (!vault.exists && !vault.problem) {
    return (
      <p className="flex gap-2 text-2">
        <StatusGlyph shape="stopped" className="mt-0.5" />
        {words.none}
      </p>
    );
  }
  if (vault.openedBy === null) {
    return (
      <div className="flex gap-2" data-testid="vault-closed">
        <StatusGlyph shape="failed" className="mt-0.5" />
        <p className="min-w-0">
          {words.closed}
          {vault.problem && (
            <span className="block text-2 [overflow-wrap:anywhere]">{vault.problem}</span>
          )}
        </p>
      </div>
    );
  }
  return (
    <div className="flex gap-2">
      <StatusGlyph shape="done" className="mt-0.5" />
      <div className="min-w-0">
        <p>{words.opened(words.wayNames[vault.openedBy].toLowerCase())}</p>
        {vault.entries !== null && <p className="text-2">{words.entries(vault.entries)}</p>}
        {vault.watchedIn && <p className="text-2">{words.watchedIn(vault.watchedIn)}</p>}
        {vault.problem && <p className="text-warn-text">{vault.problem}</p>}
      </div>
    </div>
  );
}

function Keychain({ keychain }: { keychain: KeychainInfo }) {
  const { show } = useApp();
  const words = text.secrets.vault;
  return (
    <section>
      <h3 className="mb-1.5 text-2">{words.keychain}</h3>
      <div className="flex gap-2">
        <StatusGlyph shape={keychain.ready ? "done" : "attention"} className="mt-0.5" />
        <div className="min-w-0 flex-1">
          <p>
            {keychain.ready ? words.keychainReady : words.keychainNot}
            {!keychain.ready && (
              <code className="mono ml-2 rounded-badge bg-warn-bg px-1.5 py-0.5 text-warn-text">
                {keychain.code}
              </code>
            )}
          </p>
          <p className="text-2">{keychain.words}</p>
          {keychain.fix && <p className="mt-1">{keychain.fix}</p>}
        </div>
        {!keychain.ready && keychain.code === "secrets.keychain_locked" && (
          <button
            type="button"
            className="btn btn-small"
            onClick={() => show({ kind: "secret", sheet: { act: "unlock" } })}
          >
            {words.unlock}
          </button>
        )}
      </div>
    </section>
  );
}

function Ways({ vault }: { vault: VaultInfo }) {
  const { show } = useApp();
  const words = text.secrets.vault;
  const only = vault.ways.length === 1;
  return (
    <section>
      <h3 className="mb-1 text-2">{words.ways}</h3>
      <ul aria-label={words.ways}>
        {vault.ways.map((one) => (
          <li
            key={one.way}
            className="flex items-start gap-2 border-t border-line py-2"
            data-way={one.way}
          >
            <Icon name={one.opensByItself ? "key" : "user"} className="mt-0.5 text-2" />
            <div className="min-w-0 flex-1">
              <p className="flex flex-wrap items-center gap-x-2">
                <span className="font-medium">{words.wayNames[one.way]}</span>
                {vault.openedBy === one.way && (
                  <span className="badge bg-press text-2">{words.now}</span>
                )}
                <span className="text-small text-3">
                  {one.opensByItself ? words.byItself : words.asks}
                </span>
              </p>
              <p className="text-small text-2 [overflow-wrap:anywhere]">{one.place}</p>
            </div>
            {!only && (
              <IconButton
                icon="trash"
                label={words.removeWay(words.wayNames[one.way])}
                onClick={() => show({ kind: "secret", sheet: { act: "removeWay", way: one.way } })}
              />
            )}
          </li>
        ))}
      </ul>
      {only && <p className="text-small text-3">{words.only}</p>}
    </section>
  );
}
