import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange, useRead } from "../../backend/cache";
import { CopyBlock } from "../../components/CopyBlock";
import { Choice, FormGroup, FormRow } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { Sheet } from "../../components/Sheet";
import { TextArea } from "../../components/TextArea";
import { useNow } from "../../components/useNow";
import { parseSpan, span, words as split } from "../../format";
import type { IssueCertificate, IssuedCertificate } from "../../generated/types";
import { text } from "../../text";
import { nameOf } from "./CertificateSection";

interface Draft {
  publicKey: string;
  /** Null while nobody has said one: then it is the one at the end of the key. */
  name: string | null;
  containers: readonly string[];
  roles: string;
  valid: string;
  reason: string;
  user: string;
  forceCommand: string;
  sources: string;
  pty: boolean;
  portForwarding: boolean;
  agentForwarding: boolean;
}

const START: Draft = {
  publicKey: "",
  name: null,
  containers: [],
  roles: "",
  valid: "16h",
  reason: "",
  user: "",
  forceCommand: "",
  sources: "",
  pty: true,
  portForwarding: false,
  agentForwarding: false,
};

/** Signs a public key that somebody sent; then shows what to hand back. */
export function IssueSheet() {
  const { show } = useApp();
  const issue = useChange("issue_certificate");
  const containers = useRead("list_containers", {}).data?.containers;
  const [draft, setDraft] = useState(START);
  const words = text.ssh.issue;
  if (issue.data) return <Issued issued={issue.data} />;

  const set = (change: Partial<Draft>) => setDraft({ ...draft, ...change });
  const line = (
    name: "name" | "roles" | "valid" | "reason" | "user" | "forceCommand" | "sources",
    label: string,
    hint?: string,
  ) => (
    <FormRow label={label} hint={hint}>
      {(field) => (
        <input
          {...field}
          className="field"
          spellCheck={false}
          autoComplete="off"
          value={name === "name" ? nameIn(draft) : draft[name]}
          onChange={(event) => set({ [name]: event.target.value })}
        />
      )}
    </FormRow>
  );
  return (
    <FormSheet
      title={words.title}
      width={688}
      act={words.act}
      waits={missing(draft)}
      pending={issue.isPending}
      error={issue.error}
      onAct={() => issue.mutate(toRequest(draft))}
      onClose={() => show(null)}
    >
      <p className="text-2">{words.about}</p>
      <FormRow label={words.publicKey} hint={words.publicKeyHint}>
        {(field) => (
          <TextArea
            {...field}
            focus
            value={draft.publicKey}
            onText={(publicKey) => set({ publicKey })}
          />
        )}
      </FormRow>
      {line("name", words.name, words.nameHint)}
      <FormGroup label={words.containers}>
        {containers?.length === 0 && <span className="text-3">{words.noContainers}</span>}
        {containers?.map(({ id, name }) => (
          <Choice
            key={id}
            type="checkbox"
            checked={draft.containers.includes(name)}
            onChange={(on) =>
              set({
                containers: on
                  ? [...draft.containers, name]
                  : draft.containers.filter((other) => other !== name),
              })
            }
          >
            {name}
          </Choice>
        ))}
      </FormGroup>
      {line("roles", words.roles, words.rolesHint)}
      {line("valid", words.valid, words.validHint)}
      {line("reason", words.reason)}
      <FormGroup label={words.may}>
        <Choice type="checkbox" checked={draft.pty} onChange={(pty) => set({ pty })}>
          {words.pty}
        </Choice>
        <Choice
          type="checkbox"
          checked={draft.portForwarding}
          onChange={(portForwarding) => set({ portForwarding })}
        >
          {words.ports}
        </Choice>
        <Choice
          type="checkbox"
          checked={draft.agentForwarding}
          onChange={(agentForwarding) => set({ agentForwarding })}
        >
          {words.agent}
        </Choice>
      </FormGroup>
      <details className="border-t border-line pt-3">
        <summary className="text-2">{words.further}</summary>
        <div className="mt-3 flex flex-col gap-4">
          {line("user", words.user, words.userHint)}
          {line("forceCommand", words.command, words.commandHint)}
          {line("sources", words.sources, words.sourcesHint)}
        </div>
      </details>
    </FormSheet>
  );
}

/** Everything that the receiver needs, each to copy. */
function Issued({ issued }: { issued: IssuedCertificate }) {
  const { show } = useApp();
  const words = text.ssh.issue;
  const { record } = issued;
  const now = useNow();
  const valid = Date.parse(record.validBefore) - now;
  return (
    <Sheet
      title={words.done(nameOf(record))}
      onClose={() => show(null)}
      footer={
        <>
          <span className="flex-1" />
          <button type="button" className="btn" onClick={() => show(null)}>
            {text.common.close}
          </button>
        </>
      }
    >
      <div className="flex flex-col gap-4 px-5 pb-5" data-testid="issued">
        <p className="text-2">{words.signed(record.serial, span(valid))}</p>
        <CopyBlock
          label={words.certificate}
          hint={words.certificateHint}
          value={issued.certificate}
        />
        <CopyBlock label={words.knownHosts} hint={words.knownHostsHint} value={issued.knownHosts} />
        {issued.ways.map((way) => (
          <div key={way.host} className="flex flex-col gap-4">
            <CopyBlock label={words.ssh(way.host, way.user)} hint={words.sshHint} value={way.ssh} />
            <CopyBlock
              label={words.authorizedKeys(way.host)}
              hint={words.authorizedKeysHint}
              value={way.authorizedKeys}
            />
          </div>
        ))}
      </div>
    </Sheet>
  );
}

/** What still has to be said; null when nothing is missing. */
function missing(draft: Draft): string | null {
  const waits = text.ssh.issue.waits;
  if (!draft.publicKey.trim()) return waits.key;
  if (!nameIn(draft).trim()) return waits.name;
  if (draft.containers.length === 0 && split(draft.roles).length === 0) return waits.purpose;
  if (draft.valid.trim() && parseSpan(draft.valid) === null) return waits.span;
  return null;
}

function toRequest(draft: Draft): IssueCertificate {
  return {
    publicKey: draft.publicKey.trim(),
    name: nameIn(draft).trim(),
    containers: [...draft.containers],
    roles: split(draft.roles),
    validSeconds: parseSpan(draft.valid),
    reason: draft.reason.trim(),
    user: draft.user.trim() || null,
    forceCommand: draft.forceCommand.trim() || null,
    sourceAddresses: split(draft.sources),
    pty: draft.pty,
    portForwarding: draft.portForwarding,
    agentForwarding: draft.agentForwarding,
  };
}

function nameIn(draft: Draft): string {
  return draft.name ?? commentOf(draft.publicKey);
}

/** What the line of a public key says at its end, up to an `@`: mostly its owner's name. */
function commentOf(publicKey: string): string {
  const [, , comment] = publicKey.trim().split(/\s+/);
  return comment?.split("@")[0] ?? "";
}
