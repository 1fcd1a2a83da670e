import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useChange, useRead } from "../../backend/cache";
import { Choice, FormGroup, FormRow } from "../../components/FormRow";
import { FormSheet } from "../../components/FormSheet";
import { takeFocus } from "../../components/takeFocus";
import { TextArea } from "../../components/TextArea";
import type { SecretDelivery, SecretInfo } from "../../generated/types";
import { text } from "../../text";

/** Sets a secret, or replaces its value. The value stays in this sheet until it is sent. */
export function SetSecretSheet({
  secret,
  name: asked,
  container: askedFor,
}: {
  secret: SecretInfo | null;
  name: string;
  container: string | null;
}) {
  const { show } = useApp();
  const set = useChange("set_secret");
  const containers = useRead("list_containers", {}).data?.containers ?? [];
  const [name, setName] = useState(secret?.name ?? asked);
  const [container, setContainer] = useState(secret ? secret.source : askedFor);
  const [value, setValue] = useState("");
  const [shown, setShown] = useState(false);
  const [delivery, setDelivery] = useState<SecretDelivery>(secret?.delivery ?? "environment");
  const words = text.secrets.form;
  // The core names what is made from a folder by the folder.
  const choices = [
    ...new Map(containers.map((one) => [one.workspace ?? one.name, one.name] as const)).entries(),
  ];
  if (container !== null && !choices.some(([reference]) => reference === container)) {
    choices.push([container, container]);
  }
  return (
    <FormSheet
      title={secret ? words.replaceTitle(secret.name) : words.title}
      act={words.act}
      waits={name.trim() === "" ? words.waitsName : value === "" ? words.waitsValue : null}
      pending={set.isPending}
      error={set.error}
      onAct={() =>
        set.mutate(
          { name: name.trim(), container, value, base64: false, delivery },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      {!secret && (
        <>
          <FormRow label={words.name} hint={words.nameHint}>
            {(field) => (
              <input
                {...field}
                ref={asked ? null : takeFocus}
                className="field mono"
                spellCheck={false}
                autoComplete="off"
                placeholder="GITHUB_TOKEN"
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
            )}
          </FormRow>
          <FormRow label={words.scope}>
            {(field) => (
              <select
                {...field}
                className="field"
                value={container ?? ""}
                onChange={(event) => setContainer(event.target.value || null)}
              >
                <option value="">{words.everyContainer}</option>
                {choices.map(([reference, title]) => (
                  <option key={reference} value={reference}>
                    {title}
                  </option>
                ))}
              </select>
            )}
          </FormRow>
        </>
      )}
      <FormRow label={words.value} hint={words.valueHint}>
        {(field) =>
          shown ? (
            <TextArea {...field} value={value} onText={setValue} />
          ) : (
            <input
              {...field}
              ref={secret || asked ? takeFocus : null}
              type="password"
              autoComplete="off"
              className="field mono"
              value={value}
              onChange={(event) => setValue(event.target.value)}
            />
          )
        }
      </FormRow>
      <FormGroup label="">
        <Choice type="checkbox" checked={shown} onChange={setShown}>
          {words.show}
        </Choice>
      </FormGroup>
      <FormGroup
        label={words.delivery}
        role="radiogroup"
        hint={delivery === "file" ? words.asFileHint : undefined}
      >
        <Choice
          type="radio"
          name="delivery"
          checked={delivery === "environment"}
          onChange={() => setDelivery("environment")}
        >
          {words.environment}
        </Choice>
        <Choice
          type="radio"
          name="delivery"
          checked={delivery === "file"}
          onChange={() => setDelivery("file")}
        >
          {words.asFile}
        </Choice>
      </FormGroup>
    </FormSheet>
  );
}
