import { useApp } from "../../app/app-state";
import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { CopyBlock } from "../../components/CopyBlock";
import { Fact, Facts } from "../../components/Facts";
import { Icon } from "../../components/Icon";
import { Menu, type MenuEntry } from "../../components/Menu";
import { Pane } from "../../components/Pane";
import { StatusGlyph } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { exact, span } from "../../format";
import type { KeyRecord } from "../../generated/types";
import { text } from "../../text";
import { ACCESS, keyName } from "./KeySection";

/** One key: what protects it, its certificate, and what can be done with it. */
export function KeyPane({
  keyRecord: key,
  onClose,
}: {
  keyRecord: KeyRecord;
  onClose: () => void;
}) {
  const { show } = useApp();
  const now = useNow();
  const words = text.keyWords;
  const facts = words.facts;
  const active = key.state === "active";
  const left = key.certificate ? Date.parse(key.certificate.validBefore) - now : 0;
  return (
    <Pane
      label={words.label(keyName(key))}
      title={keyName(key)}
      glyph={<Icon name="key" className="text-2" />}
      aside={<span className="text-small text-2">{words.state[key.state]}</span>}
      onClose={onClose}
      footer={
        <>
          <KeyMenu keyRecord={key} />
          <span className="flex-1" />
          {active && key.protection !== "notHere" && (
            <button
              type="button"
              className="btn"
              onClick={() => show({ kind: "ssh", sheet: { act: "rotateKey", key } })}
            >
              {words.rotate}
            </button>
          )}
        </>
      }
    >
      {key.weakness && (
        <p className="flex gap-2 text-warn-text">
          <StatusGlyph shape="attention" className="mt-0.5" />
          {key.weakness}
        </p>
      )}
      <Facts>
        <Fact name={facts.type}>{words.typeOf(key.keyType)}</Fact>
        <Fact name={facts.fingerprint}>
          <code className="mono leading-5">{key.fingerprint}</code>
        </Fact>
        <Fact name={facts.protection}>{words.protectionWords[key.protection]}</Fact>
        {key.path && (
          <Fact name={facts.path}>
            <code className="mono leading-5">{key.path}</code>
          </Fact>
        )}
        <Fact name={facts.origin}>{words.origin[key.origin]}</Fact>
        {key.createdAt && <Fact name={facts.created}>{exact(key.createdAt)}</Fact>}
        {key.replacedBy && <Fact name={facts.replacedBy}>{key.replacedBy}</Fact>}
        {key.retiresAt && <Fact name={facts.retires}>{exact(key.retiresAt)}</Fact>}
        <Fact name={facts.certificate}>
          {key.certificate ? (
            <>
              {left > 0
                ? words.certificateLeft(key.certificate.serial, span(left))
                : words.certificateOver(key.certificate.serial)}
              <code className="mono block leading-5 text-2">
                {key.certificate.principals.join(" ")}
              </code>
            </>
          ) : (
            words.noCertificate
          )}
        </Fact>
      </Facts>
      <CopyBlock label={facts.publicKey} value={key.publicKey} />
    </Pane>
  );
}

function KeyMenu({ keyRecord: key }: { keyRecord: KeyRecord }) {
  const { show } = useApp();
  const held = useRead("list_agent_keys", {}, { retry: false }).data?.keys.some(
    (one) => one.name === key.name,
  );
  const takeBack = useChange("remove_agent_key");
  const words = text.keyWords;
  const here = key.protection !== "notHere";
  const own = key.name !== ACCESS;
  const agent: MenuEntry = held
    ? {
        label: words.fromAgent,
        act: () =>
          takeBack.mutate(
            { name: key.name },
            {
              onError: (error) =>
                show({ kind: "problem", title: words.fromAgent, problem: problemOf(error) }),
            },
          ),
      }
    : {
        label: words.toAgent,
        disabled: !here || key.state !== "active",
        act: () => show({ kind: "ssh", sheet: { act: "addToAgent", key } }),
      };
  return (
    <Menu
      align="start"
      trigger={
        <button type="button" className="btn">
          {text.common.more}
          <Icon name="chevronDown" size={14} />
        </button>
      }
      groups={[
        [
          agent,
          {
            label: words.export,
            act: () => show({ kind: "ssh", sheet: { act: "exportKey", key } }),
          },
          {
            label: words.passphrase,
            disabled: !here || !own,
            act: () => show({ kind: "ssh", sheet: { act: "keyPassphrase", key } }),
          },
        ],
        [
          {
            label: words.remove,
            danger: true,
            disabled: !own,
            act: () => show({ kind: "ssh", sheet: { act: "removeKey", key } }),
          },
        ],
      ]}
    />
  );
}
