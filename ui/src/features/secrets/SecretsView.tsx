import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { FilterField } from "../../components/FilterField";
import { Icon } from "../../components/Icon";
import { ProblemView } from "../../components/ProblemView";
import { Rows } from "../../components/Rows";
import { SkeletonRows } from "../../components/Skeleton";
import { useNow } from "../../components/useNow";
import { ViewHead } from "../../components/ViewHead";
import { ago, exact, groupBy } from "../../format";
import type { SecretInfo } from "../../generated/types";
import { text } from "../../text";
import { FolderGroup, GroupHead } from "./FolderGroup";
import { SecretPane } from "./SecretPane";
import { VaultPane } from "./VaultPane";

export function secretKey(secret: SecretInfo): string {
  return `${secret.source ?? ""} ${secret.name}`;
}

/** Secrets by whom they are for; beside them the chosen one, or the vault. */
export function SecretsView() {
  const { show } = useApp();
  const { data, problem, loading } = useRead("list_secrets", { container: null });
  const containers = useRead("list_containers", {}).data?.containers ?? [];
  const [filter, setFilter] = useState("");
  const [chosen, setChosen] = useState<SecretInfo | null>(null);
  const words = text.secrets;
  const all = data?.secrets ?? [];
  const shown = all.filter((one) => fits(one, filter));
  const groups = groupBy(shown, (one) => one.source ?? "");
  const sources = [
    ...new Set([
      ...shown.flatMap((one) => (one.source ? [one.source] : [])),
      // A folder without secrets may still ask for some.
      ...(filter
        ? []
        : containers.flatMap((one) =>
            one.workspace && one.workspaceExists ? [one.workspace] : [],
          )),
    ]),
  ].toSorted();
  const folders = new Set(containers.map((one) => one.workspace));
  const open = all.find((one) => chosen && secretKey(one) === secretKey(chosen));
  const list = (scope: string, secrets: readonly SecretInfo[]) => (
    <SecretRows
      label={words.list(scope)}
      secrets={secrets}
      chosen={open ? secretKey(open) : null}
      onOpen={setChosen}
    />
  );

  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- Esc closes the pane from wherever the focus is
    <div
      className="flex min-h-0 min-w-0 flex-1 max-wide:flex-col max-wide:overflow-y-auto"
      onKeyDown={(event) => {
        if (event.key === "Escape" && chosen && !event.defaultPrevented) setChosen(null);
      }}
    >
      <section
        aria-label={words.title}
        className={`flex min-w-0 flex-1 flex-col overflow-y-auto max-wide:flex-none max-wide:overflow-visible ${
          open ? "max-wide:hidden" : ""
        }`}
      >
        <ViewHead title={words.title} count={data && all.length}>
          {all.length > 0 && (
            <span className="flex w-50 min-w-0 max-row:w-36">
              <FilterField
                value={filter}
                onChange={setFilter}
                label={words.filter}
                hint={words.filterHint}
              />
            </span>
          )}
          <button
            type="button"
            className="btn btn-primary"
            data-act="set-secret"
            onClick={() => show({ kind: "secret", sheet: { act: "set", secret: null } })}
          >
            <Icon name="plus" />
            {words.set}
          </button>
        </ViewHead>
        {loading && <SkeletonRows />}
        {problem && (
          <div className="border-t border-line p-4">
            <ProblemView problem={problem} />
          </div>
        )}
        {data && all.length === 0 && (
          <div className="border-t border-line p-4">
            <h2 className="text-head">{words.emptyTitle}</h2>
            <p className="mt-1 max-w-112 text-2">{words.emptyText}</p>
          </div>
        )}
        {all.length > 0 && shown.length === 0 && (
          <div className="flex flex-col items-start gap-2 border-t border-line p-4">
            <p>
              <span className="font-semibold">{words.filteredTitle}.</span>{" "}
              <span className="text-2">{words.filteredText(all.length)}</span>
            </p>
            <button type="button" className="btn btn-small" onClick={() => setFilter("")}>
              {text.common.clear}
            </button>
          </div>
        )}
        {groups.has("") && (
          <section aria-label={words.person}>
            <GroupHead icon="user" title={words.person} columns />
            {list(words.person, groups.get("") ?? [])}
          </section>
        )}
        {data &&
          sources.map((source) => (
            <FolderGroup key={source} source={source} asks={folders.has(source)}>
              {groups.has(source) ? list(source, groups.get(source) ?? []) : null}
            </FolderGroup>
          ))}
        <div className="h-6 flex-none" />
      </section>
      {open ? (
        <SecretPane key={secretKey(open)} secret={open} onClose={() => setChosen(null)} />
      ) : (
        <VaultPane />
      )}
    </div>
  );
}

function SecretRows({
  label,
  secrets,
  chosen,
  onOpen,
}: {
  label: string;
  secrets: readonly SecretInfo[];
  chosen: string | null;
  onOpen: (secret: SecretInfo) => void;
}) {
  const { show } = useApp();
  const now = useNow();
  const words = text.secrets;
  return (
    <Rows
      label={label}
      items={secrets}
      keyOf={secretKey}
      nameOf={(one) => `${one.name}, ${words.delivery[one.delivery]}`}
      chosen={chosen}
      onOpen={onOpen}
      onKey={(key, secret) => {
        if (key !== "Delete") return false;
        show({ kind: "secret", sheet: { act: "remove", secret } });
        return true;
      }}
    >
      {(one) => (
        <>
          <span role="gridcell" className="flex min-w-0 flex-1 items-center gap-2">
            <Icon name="lock" className="text-2" />
            <code className="mono truncate leading-5 font-medium">{one.name}</code>
          </span>
          <span role="gridcell" className="quiet w-24 flex-none text-2 max-row:hidden">
            {words.delivery[one.delivery]}
          </span>
          <span
            role="gridcell"
            className="quiet w-16 flex-none text-right text-small text-3"
            title={exact(one.changedAt)}
          >
            {ago(one.changedAt, now)}
          </span>
        </>
      )}
    </Rows>
  );
}

function fits({ name, source }: SecretInfo, filter: string): boolean {
  const held = `${name} ${source ?? text.secrets.person}`.toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => held.includes(word));
}
