import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { CopyBlock } from "../../components/CopyBlock";
import { Choice, FormGroup, FormRow } from "../../components/FormRow";
import { EffectList } from "../../components/EffectList";
import { FormSheet } from "../../components/FormSheet";
import { NewPassphrase } from "../../components/NewPassphrase";
import { parseSpan } from "../../format";
import type { KeyRecord } from "../../generated/types";
import { text } from "../../text";
import { ExportedSheet } from "./ExportedSheet";
import { needsPassphrase, OpenWith } from "./KeyForms";
import { ACCESS, keyName } from "./KeySection";

/** Puts a new key in the place of one, with what that means. */
export function RotateKeySheet({ keyRecord: key }: { keyRecord: KeyRecord }) {
  const { show } = useApp();
  const rotate = useChange("rotate_key");
  const [overlap, setOverlap] = useState("1h");
  const [passphrase, setPassphrase] = useState("");
  const words = text.keyWords;
  const seconds = overlap.trim() === "0" ? 0 : parseSpan(overlap);
  return (
    <FormSheet
      title={words.rotateTitle(keyName(key))}
      width={520}
      act={words.rotateAct}
      waits={
        seconds === null
          ? words.form.waitsSpan
          : needsPassphrase(key) && !passphrase
            ? words.form.waitsOpen
            : null
      }
      pending={rotate.isPending}
      error={rotate.error}
      onAct={() =>
        rotate.mutate(
          {
            name: key.name === ACCESS ? null : key.name,
            overlapSeconds: seconds,
            passphrase: passphrase || null,
          },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <EffectList title={text.ssh.rotation.happens} shape="done">
        {words.rotateHappens}
      </EffectList>
      <EffectList title={text.ssh.rotation.stays} shape="done">
        {words.rotateStays}
      </EffectList>
      <EffectList title={text.ssh.rotation.lost} shape="failed">
        {[words.rotateLost]}
      </EffectList>
      <FormRow label={words.overlap} hint={words.overlapHint}>
        {(field) => (
          <input
            {...field}
            className="field"
            value={overlap}
            onChange={(event) => setOverlap(event.target.value)}
          />
        )}
      </FormRow>
      <OpenWith keyRecord={key} value={passphrase} onChange={setPassphrase} />
    </FormSheet>
  );
}

/** Names what goes and what stays before a key is removed. */
export function RemoveKeySheet({ keyRecord: key }: { keyRecord: KeyRecord }) {
  const { show } = useApp();
  const remove = useChange("remove_key");
  const words = text.keyWords;
  return (
    <FormSheet
      title={words.removeTitle(keyName(key))}
      width={520}
      act={words.removeAct}
      danger
      pending={remove.isPending}
      error={remove.error}
      onAct={() => remove.mutate({ name: key.name }, { onSuccess: () => show(null) })}
      onClose={() => show(null)}
    >
      <EffectList title={text.remove.goes} shape="failed">
        {[...words.removeGoes(key.protection)]}
      </EffectList>
      <EffectList title={text.remove.stays} shape="done">
        {words.removeStays}
      </EffectList>
    </FormSheet>
  );
}

/** Gives a key out: the public half, and the private one where it is asked for and encrypted. */
export function ExportKeySheet({ keyRecord: key }: { keyRecord: KeyRecord }) {
  const { show } = useApp();
  const give = useChange("export_key");
  const [withPrivate, setWithPrivate] = useState(false);
  const [newPassphrase, setNewPassphrase] = useState<string | null>(null);
  const [passphrase, setPassphrase] = useState("");
  const words = text.keyWords;
  if (give.data) return <ExportedSheet name={keyName(key)} exported={give.data} />;
  return (
    <FormSheet
      title={words.exportTitle(keyName(key))}
      act={text.ssh.export.act}
      waits={
        withPrivate && !newPassphrase
          ? words.form.waitsPassphrase
          : withPrivate && needsPassphrase(key) && !passphrase
            ? words.form.waitsOpen
            : null
      }
      pending={give.isPending}
      error={give.error}
      onAct={() =>
        give.mutate({
          name: key.name,
          passphrase: withPrivate && passphrase ? passphrase : null,
          newPassphrase: withPrivate ? newPassphrase : null,
        })
      }
      onClose={() => show(null)}
    >
      <CopyBlock label={words.facts.publicKey} value={key.publicKey} />
      {key.protection !== "notHere" && (
        <FormGroup label={words.facts.protection} hint={words.exportHint}>
          <Choice type="checkbox" checked={withPrivate} onChange={setWithPrivate}>
            {text.ssh.export.private}
          </Choice>
        </FormGroup>
      )}
      {withPrivate && (
        <>
          <OpenWith keyRecord={key} value={passphrase} onChange={setPassphrase} />
          <NewPassphrase onChange={setNewPassphrase} />
        </>
      )}
    </FormSheet>
  );
}

/** Gives a key and a fresh certificate for it to the ssh-agent, for a time. */
export function AddToAgentSheet({ keyRecord: key }: { keyRecord: KeyRecord }) {
  const { show } = useApp();
  const add = useChange("add_agent_key");
  const [lifetime, setLifetime] = useState("8h");
  const [confirm, setConfirm] = useState(false);
  const [passphrase, setPassphrase] = useState("");
  const words = text.keyWords.agent;
  const seconds = parseSpan(lifetime);
  return (
    <FormSheet
      title={words.title(keyName(key))}
      width={520}
      act={words.act}
      waits={
        lifetime.trim() && seconds === null
          ? text.keyWords.form.waitsSpan
          : needsPassphrase(key) && !passphrase
            ? text.keyWords.form.waitsOpen
            : null
      }
      pending={add.isPending}
      error={add.error}
      onAct={() =>
        add.mutate(
          {
            name: key.name,
            passphrase: passphrase || null,
            lifetimeSeconds: seconds,
            confirm,
          },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <p className="text-2">{words.about}</p>
      <FormRow label={words.lifetime} hint={words.lifetimeHint}>
        {(field) => (
          <input
            {...field}
            className="field"
            value={lifetime}
            onChange={(event) => setLifetime(event.target.value)}
          />
        )}
      </FormRow>
      <FormGroup label="">
        <Choice type="checkbox" checked={confirm} onChange={setConfirm}>
          {words.confirm}
        </Choice>
      </FormGroup>
      <OpenWith keyRecord={key} value={passphrase} onChange={setPassphrase} />
    </FormSheet>
  );
}
