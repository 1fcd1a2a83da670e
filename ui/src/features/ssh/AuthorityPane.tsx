import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { CopyBlock } from "../../components/CopyBlock";
import { Fact, Facts } from "../../components/Facts";
import { Icon } from "../../components/Icon";
import { Pane } from "../../components/Pane";
import { StatusGlyph } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { ago, exact, spanWords } from "../../format";
import type { AuthorityInfo } from "../../generated/types";
import { text } from "../../text";
import { authorityName } from "./AuthoritySection";
import { PhaseHead, PhaseTrack, standing } from "./PhaseTrack";

/** One authority: where it stands, who still needs it, what it may sign. */
export function AuthorityPane({
  authority,
  onClose,
}: {
  authority: AuthorityInfo;
  onClose: () => void;
}) {
  const { show } = useApp();
  const now = useNow();
  const all = useRead("list_authorities", {}).data?.authorities ?? [authority];
  const words = text.ssh.authority;
  const name = authorityName(authority);
  const at = standing(authority, all);
  return (
    <Pane
      label={words.label(name)}
      title={name}
      glyph={<Icon name={authority.kind === "user" ? "user" : "server"} className="text-2" />}
      aside={<span className="text-small text-2">{text.ssh.phase[authority.phase]}</span>}
      onClose={onClose}
      footer={
        <>
          <button
            type="button"
            className="btn"
            onClick={() => show({ kind: "ssh", sheet: { act: "exportAuthority", authority } })}
          >
            {words.export}
          </button>
          <span className="flex-1" />
          {authority.phase === "signing" && (
            <button
              type="button"
              className="btn"
              onClick={() => show({ kind: "ssh", sheet: { act: "policy", authority } })}
            >
              {words.editPolicy}
            </button>
          )}
        </>
      }
    >
      <div>
        <div className="flex text-caption text-3">
          <PhaseHead />
        </div>
        <div className="mt-1 flex">
          <PhaseTrack at={at} />
        </div>
        <p className="mt-2">{words.phaseWords[at]}</p>
      </div>
      <Facts>
        <Fact name={text.ssh.columns.type}>{authority.algorithm}</Fact>
        <Fact name={text.ssh.columns.fingerprint}>
          <code className="mono leading-5">{authority.fingerprint}</code>
        </Fact>
        <Fact name={words.kept}>{words.home[authority.keptIn]}</Fact>
        <Fact name={words.made}>
          <span title={exact(authority.createdAt)}>{ago(authority.createdAt, now)}</span>
        </Fact>
        <Fact name={words.issued}>{words.issuedCount(authority.issued)}</Fact>
      </Facts>
      {at === "followed" && (
        <section>
          <p className="flex gap-2">
            <StatusGlyph
              shape={authority.neededBy.length > 0 ? "attention" : "done"}
              className="mt-0.5"
            />
            {words.neededBy(authority.neededBy.length)}
          </p>
          <ul className="mt-1 pl-6 text-2">
            {authority.neededBy.map((one) => (
              <li key={one}>{one}</li>
            ))}
          </ul>
        </section>
      )}
      <CopyBlock label={words.publicKey} value={authority.publicKey} />
      <section>
        <h3 className="mb-1.5 font-medium">{words.policy}</h3>
        <Policy authority={authority} />
      </section>
    </Pane>
  );
}

function Policy({ authority: { policy } }: { authority: AuthorityInfo }) {
  const words = text.ssh.policy;
  return (
    <Facts>
      <Fact name={words.validity}>{spanWords(policy.maxValiditySeconds)}</Fact>
      <Fact name={words.skew}>{spanWords(policy.clockSkewSeconds)}</Fact>
      <Fact name={words.principals}>{list(policy.principals, words.any)}</Fact>
      <Fact name={words.extensions}>{list(policy.extensions, words.none)}</Fact>
      <Fact name={words.keyTypes}>{list(policy.keyTypes, words.any)}</Fact>
      {policy.forceCommand !== null && (
        <Fact name={words.forceCommand}>
          <code className="mono leading-5">{policy.forceCommand}</code>
        </Fact>
      )}
      {policy.sourceAddresses.length > 0 && (
        <Fact name={words.sources}>{list(policy.sourceAddresses, words.none)}</Fact>
      )}
    </Facts>
  );
}

function list(items: readonly string[], nothing: string) {
  return items.length > 0 ? <code className="mono leading-5">{items.join(" ")}</code> : nothing;
}
