import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { Menu } from "../../components/Menu";
import { ProblemView } from "../../components/ProblemView";
import { RowActs, Rows } from "../../components/Rows";
import { SkeletonRows } from "../../components/Skeleton";
import { StatusGlyph } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { ago, exact, shortFingerprint } from "../../format";
import type { AuthorityInfo, RotationState } from "../../generated/types";
import { text } from "../../text";
import { PhaseHead, PhaseTrack, standing } from "./PhaseTrack";

export function authorityName(authority: Pick<AuthorityInfo, "kind" | "generation">): string {
  return text.ssh.authority.name(authority.kind, authority.generation);
}

export function authorityKey(authority: Pick<AuthorityInfo, "kind" | "generation">): string {
  return `authority ${authority.kind} ${authority.generation}`;
}

/** The authorities with their lives, and under each kind what its rotation does next. */
export function AuthoritySection({
  chosen,
  onOpen,
}: {
  chosen: string | null;
  onOpen: (authority: AuthorityInfo) => void;
}) {
  const { show } = useApp();
  const { data, problem, loading } = useRead("list_authorities", {});
  const words = text.ssh;
  const importing = (authority: "user" | "host") => ({
    label: `${words.kind[authority]} authority`,
    icon: authority === "user" ? ("user" as const) : ("server" as const),
    act: () => show({ kind: "ssh", sheet: { act: "importAuthority", authority } }),
  });
  return (
    <section aria-label={words.authorities}>
      <div className="section-head mt-3 gap-3 pr-2!">
        <h2 className="w-36 flex-none text-body font-semibold text-1">
          {words.authorities}{" "}
          <span className="ml-1 text-small font-normal text-3">{data?.authorities.length}</span>
        </h2>
        <span className="min-w-0 flex-1 max-wide:hidden">{words.columns.fingerprint}</span>
        <span className="flex max-wide:ml-auto max-row:hidden">
          <PhaseHead />
        </span>
        <span className="w-12 flex-none text-right max-row:hidden">{words.columns.since}</span>
        <span className="flex w-18 flex-none justify-end max-row:ml-auto">
          <Menu
            trigger={
              <button
                type="button"
                className="btn btn-ghost btn-small"
                disabled={!data}
                aria-label={words.import.title}
              >
                {words.authority.import}
              </button>
            }
            groups={[[importing("user"), importing("host")]]}
          />
        </span>
      </div>
      {loading && <SkeletonRows rows={2} />}
      {problem && (
        <div className="p-4">
          <ProblemView
            problem={problem}
            actions={
              problem.code === "secrets.keychain_locked" && (
                <button
                  type="button"
                  className="btn"
                  onClick={() => show({ kind: "secret", sheet: { act: "unlock" } })}
                >
                  {text.secrets.vault.unlock}
                </button>
              )
            }
          />
        </div>
      )}
      {data?.authorities.length === 0 && <p className="px-4 py-2 text-2">{words.authority.none}</p>}
      {data &&
        (["user", "host"] as const).map((kind) => (
          <div key={kind}>
            <Authorities
              authorities={data.authorities.filter((one) => one.kind === kind).toReversed()}
              label={`${words.authorities}: ${words.kind[kind]}`}
              rotation={data.rotations.find((one) => one.kind === kind)}
              chosen={chosen}
              onOpen={onOpen}
            />
            {data.rotations
              .filter((one) => one.kind === kind && one.step !== "idle")
              .map((rotation) => (
                <RotationLine key={kind} rotation={rotation} />
              ))}
          </div>
        ))}
      {data && (
        <p className="px-4 py-1.5 text-small text-3">{words.authority.keptIn(data.keptIn)}</p>
      )}
    </section>
  );
}

function Authorities({
  authorities,
  label,
  rotation,
  chosen,
  onOpen,
}: {
  authorities: readonly AuthorityInfo[];
  label: string;
  rotation: RotationState | undefined;
  chosen: string | null;
  onOpen: (authority: AuthorityInfo) => void;
}) {
  const { show } = useApp();
  const now = useNow();
  const words = text.ssh;
  return (
    <Rows
      label={label}
      items={authorities}
      keyOf={authorityKey}
      nameOf={(one) =>
        `${authorityName(one)}: ${words.authority.phaseWords[standing(one, authorities)]}`
      }
      chosen={chosen}
      onOpen={onOpen}
      dim={past}
    >
      {(one) => (
        <>
          <span role="gridcell" className="flex w-36 min-w-0 flex-none items-center gap-2">
            <Icon name={one.kind === "user" ? "user" : "server"} className="text-2" />
            <span className={`truncate ${past(one) ? "" : "font-medium"}`}>
              {authorityName(one)}
            </span>
          </span>
          <span
            role="gridcell"
            className="mono quiet min-w-0 flex-1 truncate text-2 max-wide:hidden"
            title={one.fingerprint}
          >
            {shortFingerprint(one.fingerprint)}
          </span>
          <span role="gridcell" className="flex max-wide:ml-auto max-row:hidden">
            <PhaseTrack at={standing(one, authorities)} />
          </span>
          <span
            role="gridcell"
            className="hidden min-w-0 flex-1 truncate text-right text-2 max-row:block"
          >
            {words.phase[one.phase]}
          </span>
          <span
            role="gridcell"
            className="quiet w-12 flex-none text-right text-small text-3"
            title={exact(one.changedAt)}
          >
            {ago(one.changedAt, now)}
          </span>
          <RowActs always>
            <span className="flex w-18 justify-end">
              {one.phase === "signing" && rotation?.step === "idle" && (
                <button
                  type="button"
                  className="btn btn-small"
                  data-act={`rotate-${one.kind}`}
                  onClick={() =>
                    show({ kind: "ssh", sheet: { act: "rotate", authority: one.kind } })
                  }
                >
                  {words.authority.rotate}
                </button>
              )}
            </span>
          </RowActs>
        </>
      )}
    </Rows>
  );
}

function past({ phase }: AuthorityInfo): boolean {
  return phase === "retired" || phase === "revoked";
}

/** What comes next, what it waits for, and the way on and back. */
function RotationLine({ rotation }: { rotation: RotationState }) {
  const { show } = useApp();
  const words = text.ssh.rotation;
  const waits = rotation.waitsFor.length;
  return (
    <div
      role="group"
      aria-label={words.under(rotation.kind)}
      className="flex items-start gap-2 border-b border-line px-4 pt-1 pb-2.5 max-row:flex-wrap"
      data-rotation={rotation.kind}
      data-step={rotation.step}
    >
      <StatusGlyph shape={waits > 0 ? "attention" : "starting"} className="mt-1" />
      <div className="min-w-0 flex-1 pt-0.5 max-row:basis-4/5">
        <p>
          <span className="text-2">{words.next}:</span> {rotation.next}
        </p>
        {waits > 0 && (
          <p className="mt-0.5 text-small text-warn-text" title={rotation.waitsFor.join("\n")}>
            {words.waits(waits)}
          </p>
        )}
      </div>
      {rotation.back !== null && (
        <button
          type="button"
          className="btn btn-ghost btn-small"
          onClick={() =>
            show({ kind: "ssh", sheet: { act: "rollback", authority: rotation.kind } })
          }
        >
          {words.back}
        </button>
      )}
      <button
        type="button"
        className="btn btn-small"
        onClick={() => show({ kind: "ssh", sheet: { act: "rotate", authority: rotation.kind } })}
      >
        {words.step[rotation.step]}
      </button>
    </div>
  );
}
