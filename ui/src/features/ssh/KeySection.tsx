import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { ProblemView } from "../../components/ProblemView";
import { Rows } from "../../components/Rows";
import { SkeletonRows } from "../../components/Skeleton";
import { useNow } from "../../components/useNow";
import { ago, exact, shortFingerprint } from "../../format";
import type { KeyRecord } from "../../generated/types";
import { text } from "../../text";

export function keyKey(key: Pick<KeyRecord, "name" | "fingerprint">): string {
  return `key ${key.name} ${key.fingerprint}`;
}

/** The name under which the core knows the key that opens containers. */
export const ACCESS = "access";

/** What people call it: the access key has a name of its own. */
export function keyName(key: Pick<KeyRecord, "name">): string {
  return key.name === ACCESS ? text.keyWords.access : key.name;
}

/** The keys of this person, the access key first. */
export function KeySection({
  chosen,
  onOpen,
}: {
  chosen: string | null;
  onOpen: (key: KeyRecord) => void;
}) {
  const { show } = useApp();
  const { data, problem, loading } = useRead("list_keys", {});
  const held = useRead("list_agent_keys", {}, { retry: false }).data?.keys ?? [];
  const now = useNow();
  const words = text.keyWords;
  const columns = text.ssh.columns;
  return (
    <section aria-label={text.ssh.keys}>
      <div className="section-head gap-3 pr-2!">
        <h2 className="w-40 flex-none text-body font-semibold text-1">
          {text.ssh.keys}{" "}
          <span className="ml-1 text-small font-normal text-3">{data?.keys.length}</span>
        </h2>
        <span className="w-20 flex-none max-row:hidden">{columns.type}</span>
        <span className="w-34 flex-none max-wide:hidden">{columns.fingerprint}</span>
        <span className="min-w-0 flex-1 truncate max-row:hidden">{columns.path}</span>
        <span className="ml-auto flex flex-none gap-1">
          <button
            type="button"
            className="btn btn-ghost btn-small"
            aria-label={words.importTitle}
            onClick={() => show({ kind: "ssh", sheet: { act: "importKey" } })}
          >
            {words.import}
          </button>
          <button
            type="button"
            className="btn btn-small"
            onClick={() => show({ kind: "ssh", sheet: { act: "generateKey" } })}
          >
            {words.generate}
          </button>
        </span>
      </div>
      {loading && <SkeletonRows rows={1} />}
      {problem && (
        <div className="p-4">
          <ProblemView problem={problem} />
        </div>
      )}
      <Rows
        label={text.ssh.keys}
        items={data?.keys ?? []}
        keyOf={keyKey}
        nameOf={(key) => `${keyName(key)}, ${words.typeOf(key.keyType)}, ${words.state[key.state]}`}
        chosen={chosen}
        onOpen={onOpen}
        onKey={(pressed, key) => {
          if (pressed !== "Delete" || key.name === ACCESS) return false;
          show({ kind: "ssh", sheet: { act: "removeKey", key } });
          return true;
        }}
        dim={(key) => key.state !== "active"}
      >
        {(key) => (
          <>
            <span role="gridcell" className="flex w-40 min-w-0 flex-none items-center gap-2">
              <Icon name="key" className="text-2" />
              <span
                className={`truncate ${key.state === "revoked" ? "line-through" : "font-medium"}`}
                title={key.name}
              >
                {keyName(key)}
              </span>
              <KeyBadges keyRecord={key} held={held.some((one) => one.name === key.name)} />
            </span>
            <span role="gridcell" className="quiet w-20 flex-none truncate text-2 max-row:hidden">
              {words.typeOf(key.keyType)}
            </span>
            <span
              role="gridcell"
              className="mono quiet w-34 flex-none truncate text-2 max-wide:hidden"
              title={key.fingerprint}
            >
              {shortFingerprint(key.fingerprint)}
            </span>
            <span
              role="gridcell"
              className="quiet min-w-0 flex-1 truncate text-2 max-row:hidden"
              title={words.protectionWords[key.protection]}
            >
              {words.protection[key.protection]}
            </span>
            <span
              role="gridcell"
              className="quiet ml-auto w-22 flex-none text-right text-small text-3"
              title={exact(key.createdAt)}
            >
              {ago(key.createdAt, now)}
            </span>
          </>
        )}
      </Rows>
    </section>
  );
}

/** What is out of the ordinary about a key. */
export function KeyBadges({ keyRecord: key, held }: { keyRecord: KeyRecord; held: boolean }) {
  const words = text.keyWords;
  return (
    <>
      {key.weakness && (
        <span className="badge bg-warn-bg text-warn-text" title={key.weakness}>
          {words.weak}
        </span>
      )}
      {key.state === "retiring" && (
        <span className="badge bg-warn-bg text-warn-text">{words.retiring}</span>
      )}
      {key.state === "revoked" && (
        <span className="badge bg-bad-bg text-bad-text">{words.revoked}</span>
      )}
      {held && <span className="badge bg-press text-2">{words.inAgent}</span>}
    </>
  );
}
