import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { Choice, FormGroup, FormRow } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { NewPassphrase } from "../../components/NewPassphrase";
import { PasswordRow } from "../../components/PasswordRow";
import { TextArea } from "../../components/TextArea";
import type { KeyRecord, KeyType } from "../../generated/types";
import { text } from "../../text";
import { keyName } from "./KeySection";

const TYPES = Object.keys(text.keyWords.type) as KeyType[];

/** The person's choice of what protects a private half: null while a passphrase is not complete. */
interface Protection {
  /** None: one that is made here and kept in the vault. */
  passphrase: string | null;
  remember: boolean;
}

/** Makes a key. */
export function GenerateKeySheet() {
  const { show } = useApp();
  const generate = useChange("generate_key");
  const [name, setName] = useState("");
  const [keyType, setKeyType] = useState<KeyType>("ed25519");
  const [comment, setComment] = useState("");
  const [protection, setProtection] = useState<Protection | null>({
    passphrase: null,
    remember: false,
  });
  const words = text.keyWords;
  return (
    <FormSheet
      title={words.generateTitle}
      act={words.generateAct}
      waits={
        name.trim() === "" ? words.form.waitsName : protection ? null : words.form.waitsPassphrase
      }
      pending={generate.isPending}
      error={generate.error}
      onAct={() =>
        protection &&
        generate.mutate(
          { name: name.trim(), keyType, comment: comment.trim() || null, ...protection },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <NameRow value={name} onChange={setName} />
      <FormRow label={words.form.type}>
        {(field) => (
          <select
            {...field}
            className="field"
            value={keyType}
            onChange={(event) => setKeyType(event.target.value as KeyType)}
          >
            {TYPES.map((type) => (
              <option key={type} value={type}>
                {words.type[type]}
              </option>
            ))}
          </select>
        )}
      </FormRow>
      <FormRow label={words.form.comment} hint={words.form.commentHint}>
        {(field) => (
          <input
            {...field}
            className="field"
            autoComplete="off"
            value={comment}
            onChange={(event) => setComment(event.target.value)}
          />
        )}
      </FormRow>
      <ProtectionChoice onChange={setProtection} />
    </FormSheet>
  );
}

/** Brings a key here. */
export function ImportKeySheet() {
  const { show } = useApp();
  const bring = useChange("import_key");
  const [name, setName] = useState("");
  const [key, setKey] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [remember, setRemember] = useState(false);
  const words = text.keyWords;
  return (
    <FormSheet
      title={words.importTitle}
      act={words.importAct}
      waits={
        name.trim() === "" ? words.form.waitsName : key.trim() === "" ? words.form.waitsKey : null
      }
      pending={bring.isPending}
      error={bring.error}
      onAct={() =>
        bring.mutate(
          { name: name.trim(), key, passphrase: passphrase || null, remember },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <NameRow value={name} onChange={setName} />
      <FormRow label={words.importKey} hint={words.importHint}>
        {(field) => <TextArea {...field} rows={5} value={key} onText={setKey} />}
      </FormRow>
      <PasswordRow
        label={words.importPassphrase}
        hint={words.importPassphraseHint}
        value={passphrase}
        onChange={setPassphrase}
      />
      {passphrase && (
        <FormGroup label="">
          <Choice type="checkbox" checked={remember} onChange={setRemember}>
            {words.form.remember}
          </Choice>
        </FormGroup>
      )}
    </FormSheet>
  );
}

/** Changes what protects a private half. */
export function KeyPassphraseSheet({ keyRecord: key }: { keyRecord: KeyRecord }) {
  const { show } = useApp();
  const change = useChange("change_key_passphrase");
  const [now, setNow] = useState("");
  const [protection, setProtection] = useState<Protection | null>({
    passphrase: null,
    remember: false,
  });
  const words = text.keyWords;
  return (
    <FormSheet
      title={words.passphraseTitle(keyName(key))}
      act={words.passphraseAct}
      waits={
        needsPassphrase(key) && !now
          ? words.form.waitsOpen
          : protection
            ? null
            : words.form.waitsPassphrase
      }
      pending={change.isPending}
      error={change.error}
      onAct={() =>
        protection &&
        change.mutate(
          {
            name: key.name,
            passphrase: now || null,
            newPassphrase: protection.passphrase,
            remember: protection.remember,
          },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <OpenWith keyRecord={key} value={now} onChange={setNow} />
      <ProtectionChoice onChange={setProtection} />
    </FormSheet>
  );
}

/** True when only the person can open the private half. */
export function needsPassphrase(key: KeyRecord): boolean {
  return key.protection === "passphrase";
}

/** Asks for the passphrase of a key, where the vault has none. */
export function OpenWith({
  keyRecord,
  value,
  onChange,
}: {
  keyRecord: KeyRecord;
  value: string;
  onChange: (passphrase: string) => void;
}) {
  if (!needsPassphrase(keyRecord)) return null;
  const words = text.keyWords.form;
  return (
    <PasswordRow label={words.opens} hint={words.opensHint} value={value} onChange={onChange} />
  );
}

function NameRow({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  const words = text.keyWords.form;
  return (
    <FormRow label={words.name} hint={words.nameHint}>
      {(field) => (
        <input
          {...field}
          className="field"
          spellCheck={false}
          autoComplete="off"
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </FormRow>
  );
}

function ProtectionChoice({ onChange }: { onChange: (protection: Protection | null) => void }) {
  const [own, setOwn] = useState(false);
  const [passphrase, setPassphrase] = useState<string | null>(null);
  const [remember, setRemember] = useState(false);
  const words = text.keyWords.form;
  const tell = (own: boolean, passphrase: string | null, remember: boolean) => {
    setOwn(own);
    setPassphrase(passphrase);
    setRemember(remember);
    if (!own) onChange({ passphrase: null, remember: false });
    else onChange(passphrase === null ? null : { passphrase, remember });
  };
  return (
    <>
      <FormGroup label={words.protect} role="radiogroup">
        <Choice
          type="radio"
          name="protect"
          checked={!own}
          onChange={() => tell(false, null, false)}
        >
          {words.ours}
        </Choice>
        <Choice type="radio" name="protect" checked={own} onChange={() => tell(true, null, false)}>
          {words.own}
        </Choice>
      </FormGroup>
      {own && (
        <>
          <NewPassphrase onChange={(passphrase) => tell(true, passphrase, remember)} />
          <FormGroup label="">
            <Choice
              type="checkbox"
              checked={remember}
              onChange={(remember) => tell(true, passphrase, remember)}
            >
              {words.remember}
            </Choice>
          </FormGroup>
        </>
      )}
    </>
  );
}
