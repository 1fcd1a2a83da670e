import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { Choice, FormGroup, FormRow } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { parseSpan, spanWords, words as split } from "../../format";
import type { AuthorityInfo, CertificatePolicy } from "../../generated/types";
import { text } from "../../text";
import { authorityName } from "./AuthoritySection";

/** What a certificate may grant its holder, as OpenSSH names it. */
const EXTENSIONS = [
  "permit-pty",
  "permit-port-forwarding",
  "permit-agent-forwarding",
  "permit-X11-forwarding",
  "permit-user-rc",
];

/** What the authority that signs may sign. */
export function PolicySheet({ authority }: { authority: AuthorityInfo }) {
  const { show } = useApp();
  const set = useChange("set_authority_policy");
  const { kind, policy } = authority;
  const [draft, setDraft] = useState(() => toDraft(policy));
  const words = text.ssh.policy;
  const wanted = fromDraft(draft);
  const choices = [...new Set([...EXTENSIONS, ...policy.extensions])];
  const send = (policy: CertificatePolicy | null) =>
    set.mutate({ kind, policy }, { onSuccess: () => show(null) });
  const field = (name: keyof typeof draft & TextName, label: string, hint: string) => (
    <FormRow label={label} hint={hint}>
      {(row) => (
        <input
          {...row}
          className="field mono"
          spellCheck={false}
          value={draft[name]}
          onChange={(event) => setDraft({ ...draft, [name]: event.target.value })}
        />
      )}
    </FormRow>
  );
  return (
    <FormSheet
      title={words.title(authorityName(authority))}
      act={words.act}
      waits={wanted ? null : words.waits}
      pending={set.isPending}
      error={set.error}
      onAct={() => wanted && send(wanted)}
      onClose={() => show(null)}
      aside={
        <button type="button" className="btn btn-ghost -ml-2" onClick={() => send(null)}>
          {words.reset}
        </button>
      }
    >
      <p className="text-2">{words.about}</p>
      {field("validity", words.validity, words.span)}
      {field("skew", words.skew, words.skewHint)}
      {field("principals", words.principals, words.principalsHint)}
      {kind === "user" && (
        <FormGroup label={words.extensions}>
          {choices.map((one) => (
            <Choice
              key={one}
              type="checkbox"
              checked={draft.extensions.includes(one)}
              onChange={(on) =>
                setDraft({
                  ...draft,
                  extensions: choices.filter((other) =>
                    other === one ? on : draft.extensions.includes(other),
                  ),
                })
              }
            >
              <code className="mono">{one}</code>
            </Choice>
          ))}
        </FormGroup>
      )}
      {field("keyTypes", words.keyTypes, words.keyTypesHint)}
      {kind === "user" && field("forceCommand", words.forceCommand, words.forceCommandHint)}
      {kind === "user" && field("sources", words.sources, words.sourcesHint)}
    </FormSheet>
  );
}

type TextName = "validity" | "skew" | "principals" | "keyTypes" | "forceCommand" | "sources";
type Draft = Record<TextName, string> & { extensions: string[] };

function toDraft(policy: CertificatePolicy): Draft {
  return {
    validity: spanWords(policy.maxValiditySeconds),
    skew: spanWords(policy.clockSkewSeconds),
    principals: policy.principals.join(" "),
    keyTypes: policy.keyTypes.join(" "),
    forceCommand: policy.forceCommand ?? "",
    sources: policy.sourceAddresses.join(" "),
    extensions: policy.extensions,
  };
}

/** Null where a span cannot be read. */
function fromDraft(draft: Draft): CertificatePolicy | null {
  const validity = parseSpan(draft.validity);
  const skew = draft.skew.trim() === "0s" ? 0 : parseSpan(draft.skew);
  if (validity === null || skew === null) return null;
  return {
    maxValiditySeconds: validity,
    clockSkewSeconds: skew,
    principals: split(draft.principals),
    extensions: draft.extensions,
    keyTypes: split(draft.keyTypes),
    forceCommand: draft.forceCommand.trim() || null,
    sourceAddresses: split(draft.sources),
  };
}
