import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange, useRead } from "../../backend/cache";
import { Choice } from "../../components/FormRow";
import { EffectList } from "../../components/EffectList";
import { FormSheet } from "../../components/FormSheet";
import type { AuthorityKind } from "../../generated/types";
import { text } from "../../text";

/** The next step of a rotation, with what it does and what stays; the last one also with who is shut out. */
export function StepSheet({ kind }: { kind: AuthorityKind }) {
  const rotation = useRead("list_authorities", {}).data?.rotations.find((one) => one.kind === kind);
  const { show } = useApp();
  const rotate = useChange("rotate_authority");
  if (!rotation) return null;
  if (rotation.step === "signing") return <RetireSheet kind={kind} needed={rotation.waitsFor} />;
  const words = text.ssh.rotation;
  return (
    <FormSheet
      title={words.title(rotation.step, kind)}
      width={520}
      act={words.take}
      pending={rotate.isPending}
      error={rotate.error}
      onAct={() => rotate.mutate({ kind }, { onSuccess: () => show(null) })}
      onClose={() => show(null)}
    >
      <section>
        <h3 className="mb-1.5 text-2">{words.happens}</h3>
        <p>{sentence(rotation.next)}</p>
      </section>
      <EffectList title={words.stays} shape="done">
        {words.safe[rotation.step]}
      </EffectList>
      <p className="text-small text-3">{words.reversible}</p>
    </FormSheet>
  );
}

function RetireSheet({ kind, needed }: { kind: AuthorityKind; needed: readonly string[] }) {
  const { show } = useApp();
  const retire = useChange("retire_authority");
  const [now, setNow] = useState(false);
  const [revoke, setRevoke] = useState(false);
  const words = text.ssh.rotation;
  const last = useRead("list_authorities", {}).data?.authorities.findLast(
    (one) => one.kind === kind && one.phase === "trusted",
  );
  return (
    <FormSheet
      title={words.retireTitle(text.ssh.authority.name(kind, last?.generation ?? 0))}
      width={520}
      act={words.retire}
      danger
      waits={needed.length > 0 && !now ? words.waitsNow : null}
      pending={retire.isPending}
      error={retire.error}
      onAct={() => retire.mutate({ kind, now, revoke }, { onSuccess: () => show(null) })}
      onClose={() => show(null)}
    >
      <EffectList title={words.lost} shape="failed">
        {[text.ssh.authority.phaseWords.retired, ...needed.map(words.shutOut)]}
      </EffectList>
      <EffectList title={words.stays} shape="done">
        {words.safe.signing}
      </EffectList>
      <div className="flex flex-col gap-1.5">
        {needed.length > 0 && (
          <Choice type="checkbox" checked={now} onChange={setNow}>
            {words.now}
          </Choice>
        )}
        <Choice type="checkbox" checked={revoke} onChange={setRevoke}>
          {words.revoke}
        </Choice>
      </div>
      <p className="text-small text-3">{words.final}</p>
    </FormSheet>
  );
}

/** A step back, with what it loses. */
export function BackSheet({ kind }: { kind: AuthorityKind }) {
  const { show } = useApp();
  const rollback = useChange("rollback_authority");
  const rotation = useRead("list_authorities", {}).data?.rotations.find((one) => one.kind === kind);
  const words = text.ssh.rotation;
  if (!rotation?.back) return null;
  const forgets = rotation.step === "made";
  return (
    <FormSheet
      title={words.backTitle(kind)}
      width={520}
      act={words.takeBack}
      danger={forgets}
      pending={rollback.isPending}
      error={rollback.error}
      onAct={() => rollback.mutate({ kind }, { onSuccess: () => show(null) })}
      onClose={() => show(null)}
    >
      <section>
        <h3 className="mb-1.5 text-2">{words.happens}</h3>
        <p>{sentence(rotation.back)}</p>
      </section>
      {forgets && (
        <EffectList title={words.lost} shape="failed">
          {[words.backLost]}
        </EffectList>
      )}
      <EffectList title={words.stays} shape="done">
        {words.backSafe}
      </EffectList>
    </FormSheet>
  );
}

/** The core says it as a part of a sentence. */
function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;
}
