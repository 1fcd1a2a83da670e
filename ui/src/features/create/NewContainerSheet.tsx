import { useDeferredValue, useEffect, useState, type FormEvent } from "react";
import { useBeginJob } from "../../app/actions";
import { useApp } from "../../app/app-state";
import { hostTitle } from "../../app/hosts";
import { useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { Keys } from "../../components/Keys";
import { Menu } from "../../components/Menu";
import { ProblemView } from "../../components/ProblemView";
import { Sheet } from "../../components/Sheet";
import { StatusGlyph } from "../../components/StatusGlyph";
import type { Host, SourceInfo, UpContainer } from "../../generated/types";
import { text } from "../../text";
import { SourceField } from "./SourceField";
import { TrustFoot, TrustList } from "./TrustList";

/** How long typing has to rest before the source is looked at. */
const REST_MS = 200;

const NONE: ReadonlySet<number> = new Set();

/** From a folder or an image to a container: what was found, what may be chosen, what has to be allowed. */
export function NewContainerSheet({ source: initial }: { source: string }) {
  const { show } = useApp();
  const begin = useBeginJob();
  const [source, setSource] = useState(initial);
  const [config, setConfig] = useState<string | null>(null);
  const [name, setName] = useState<string | null>(null);
  const [host, setHost] = useState<string | null>(null);
  const [consent, setConsent] = useState<{ hash: string; ticked: ReadonlySet<number> } | null>(
    null,
  );
  const [beginning, setBeginning] = useState(false);

  const rested = useRested(source.trim());
  const request = { source: rested, ...(config ? { config } : {}) };
  const inspection = useRead("inspect_source", request, {
    skip: rested === "",
    keepPrevious: true,
  });
  const hosts = useRead("list_hosts", {});
  const looking = source.trim() !== rested || inspection.loading;
  const info = rested === "" ? undefined : inspection.data;
  const problem = rested === "" ? null : (inspection.problem ?? info?.problem ?? null);
  // Consent belongs to one list; another list starts unticked.
  const ticked = info && consent?.hash === info.trust.hash ? consent.ticked : NONE;

  const asks = info && !info.trust.allowed ? info.trust.items.length : 0;
  const missing = whatIsMissing(info, looking, problem !== null, ticked.size, asks);
  const chosenName = name ?? info?.name ?? "";

  const change = (next: string) => {
    setSource(next);
    setConfig(null);
    setName(null);
  };
  const create = async (event: FormEvent) => {
    event.preventDefault();
    if (missing !== null || !info || beginning) return;
    setBeginning(true);
    const up: UpContainer = {
      source: info.source,
      kind: info.kind,
      ...(info.config ? { config: info.config } : {}),
      ...(name && name !== info.name ? { name } : {}),
      ...(host ? { host } : {}),
      ...(info.trust.items.length > 0 ? { trust: info.trust.hash } : {}),
    };
    const job = await begin({ operation: "up", request: up }, text.job.failed(chosenName));
    setBeginning(false);
    if (job) show({ kind: "job", job });
  };

  return (
    <Sheet
      title={text.create.title}
      onClose={() => show(null)}
      footer={
        <>
          <span className="min-w-0 flex-1 text-small text-3">
            {info && info.trust.items.length > 0 ? <TrustFoot hash={info.trust.hash} /> : null}
          </span>
          {missing && <span className="text-small text-3">{missing}</span>}
          <button type="button" className="btn" onClick={() => show(null)}>
            {text.common.cancel}
          </button>
          <button
            type="submit"
            form="create"
            className="btn btn-primary"
            disabled={missing !== null || beginning}
            data-testid="create"
          >
            {info?.existing
              ? text.create.bringUp
              : asks > 0
                ? text.create.allowAndCreate(ticked.size)
                : text.create.create}
            <Keys keys={["Ctrl", "↵"]} />
          </button>
        </>
      }
    >
      {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-element-interactions -- the key works in every field of the form */}
      <form
        id="create"
        className="flex flex-col px-5 pb-5"
        onSubmit={(event) => void create(event)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void create(event);
        }}
      >
        <SourceField
          focus
          value={source}
          onChange={change}
          onFolder={change}
          icon={info?.kind === "image" ? "image" : "folder"}
          invalid={problem !== null}
        />
        {rested === "" ? (
          <p className="mt-2 pl-1 text-small text-3">{text.create.dropHint}</p>
        ) : (
          <Found info={info} looking={looking} failed={problem !== null} />
        )}
        {problem && (
          <div className="mt-3">
            <ProblemView problem={problem} />
          </div>
        )}
        {info && (
          <div className="mt-4 grid grid-cols-[104px_1fr] items-center gap-x-3 gap-y-2.5 px-2.5">
            {info.configs.length > 1 && (
              <Configurations info={info} chosen={config ?? info.config} onChoose={setConfig} />
            )}
            {!info.existing && (
              <>
                <label htmlFor="create-name" className="text-2">
                  {text.create.name}
                </label>
                <span className="flex items-center gap-3">
                  <input
                    id="create-name"
                    className="field w-50"
                    value={chosenName}
                    spellCheck={false}
                    onChange={(event) => setName(event.target.value)}
                  />
                  <code className="mono truncate text-2">ssh {chosenName}.devctl</code>
                </span>
              </>
            )}
            {hosts.data && hosts.data.hosts.filter((host) => host.state === "ready").length > 1 && (
              <>
                <span className="text-2">{text.create.host}</span>
                <HostChoice hosts={hosts.data.hosts} chosen={host} onChoose={setHost} />
              </>
            )}
          </div>
        )}
        {info?.notices.map((notice) => (
          <p key={notice} className="mt-3 flex gap-2 px-2.5 text-2">
            <StatusGlyph shape="attention" className="mt-0.5" />
            {notice}
          </p>
        ))}
        {info && !problem && (
          <Consent
            info={info}
            ticked={ticked}
            onTick={(ticked) => setConsent({ hash: info.trust.hash, ticked })}
          />
        )}
      </form>
    </Sheet>
  );
}

/** Why the button waits; null when nothing is missing. */
function whatIsMissing(
  info: SourceInfo | undefined,
  looking: boolean,
  failed: boolean,
  ticked: number,
  asks: number,
): string | null {
  if (looking && info === undefined) return text.create.looking;
  if (!info || failed) return text.create.waitsForSource;
  if (info.configs.length > 1 && !info.config) return text.create.waitsForChoice;
  if (ticked < asks) return text.create.waitsForTicks(ticked, asks);
  return looking ? text.create.looking : null;
}

function useRested(value: string): string {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return useDeferredValue(rested);
}

function Found({
  info,
  looking,
  failed,
}: {
  info: SourceInfo | undefined;
  looking: boolean;
  failed: boolean;
}) {
  if (failed) return null;
  const kind = info?.kind === "image" ? text.create.isImage : text.create.isFolder;
  return (
    <p className="mt-2.5 flex min-h-5 items-center gap-2.5 px-3" role="status" data-testid="found">
      <StatusGlyph shape={looking || !info ? "starting" : "done"} />
      {info && !looking ? (
        <span className="min-w-0 truncate">
          <span className="font-semibold">{kind}</span>
          {info.summary && <span className="text-2"> · {info.summary}</span>}
          {info.existing && (
            <span className="text-2"> · {text.create.existing(info.existing.name)}</span>
          )}
        </span>
      ) : (
        <span className="text-3">{text.create.looking}</span>
      )}
    </p>
  );
}

function Configurations({
  info,
  chosen,
  onChoose,
}: {
  info: SourceInfo;
  chosen: string | null;
  onChoose: (path: string) => void;
}) {
  return (
    <>
      <span className="self-start pt-0.5 text-2" id="create-config">
        {text.create.configuration}
      </span>
      <div
        role="radiogroup"
        aria-labelledby="create-config"
        className="flex flex-wrap gap-x-5 gap-y-1"
      >
        {info.configs.map((choice) => (
          <label key={choice.path} className="flex items-center gap-2" title={choice.path}>
            <input
              type="radio"
              name="config"
              className="check"
              checked={chosen === choice.path}
              onChange={() => onChoose(choice.path)}
            />
            <code className="mono">{choice.label.replace(/^\.devcontainer\//, "")}</code>
            {choice.name && <span className="text-small text-3">{choice.name}</span>}
          </label>
        ))}
        {!chosen && (
          <p className="basis-full text-small text-warn-text">{text.create.chooseConfiguration}</p>
        )}
      </div>
    </>
  );
}

function HostChoice({
  hosts,
  chosen,
  onChoose,
}: {
  hosts: readonly Host[];
  chosen: string | null;
  onChoose: (name: string) => void;
}) {
  const ready = hosts.filter((host) => host.state === "ready");
  const current = ready.find((host) => (chosen ? host.name === chosen : host.current)) ?? ready[0];
  return (
    <span className="flex items-center gap-3">
      <Menu
        align="start"
        trigger={
          <button
            type="button"
            aria-label={text.create.host}
            className="field flex w-50 items-center text-left"
          >
            <span className="flex-1 truncate">{current && hostTitle(current)}</span>
            <Icon name="chevronDown" size={14} className="text-3" />
          </button>
        }
        groups={[
          ready.map((host) => ({
            label: hostTitle(host),
            chosen: host.name === current?.name,
            aside: host.engine,
            act: () => onChoose(host.name),
          })),
        ]}
      />
      <span className="truncate text-2">{current?.engine}</span>
    </span>
  );
}

function Consent({
  info,
  ticked,
  onTick,
}: {
  info: SourceInfo;
  ticked: ReadonlySet<number>;
  onTick: (ticked: ReadonlySet<number>) => void;
}) {
  if (info.trust.items.length === 0) {
    return (
      <p className="mt-4 flex gap-2.5 border-t border-line px-2.5 pt-3 text-2">
        <Icon name="shieldCheck" className="mt-0.5 text-ok" />
        <span>
          {text.create.asksNothing} {text.create.standard}
        </span>
      </p>
    );
  }
  return (
    <div className="mt-5">
      <TrustList
        sheet={info.trust}
        title={text.trust.asks(info.trust.items.length)}
        ticked={ticked}
        onTick={onTick}
      />
    </div>
  );
}
