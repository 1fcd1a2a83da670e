import * as Tabs from "@radix-ui/react-tabs";
import { useState } from "react";
import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { ViewHead } from "../../components/ViewHead";
import type { AuthorityInfo, CertificateRecord, KeyRecord } from "../../generated/types";
import { text } from "../../text";
import { AgentTab } from "./AgentTab";
import { AuthorityPane } from "./AuthorityPane";
import { authorityKey, AuthoritySection } from "./AuthoritySection";
import { CertificatePane } from "./CertificatePane";
import { certificateKey, CertificateSection, RenewButton } from "./CertificateSection";
import { ConfigTab } from "./ConfigTab";
import { KeyPane } from "./KeyPane";
import { keyKey, KeySection } from "./KeySection";
import { RevocationTab } from "./RevocationTab";

/** What the pane shows instead of the configuration. */
type Chosen =
  | { kind: "key"; key: KeyRecord }
  | { kind: "authority"; authority: AuthorityInfo }
  | { kind: "certificate"; certificate: CertificateRecord };

/** Keys, authorities and certificates; beside them what was chosen, or the configuration and the revocation list. */
export function SshView() {
  const { show } = useApp();
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const key = chosen && keyOf(chosen);
  return (
    // oxlint-disable-next-line jsx-a11y/no-static-element-interactions -- Esc closes the pane from wherever the focus is
    <div
      className="flex min-h-0 min-w-0 flex-1 max-wide:flex-col max-wide:overflow-y-auto"
      onKeyDown={(event) => {
        if (event.key === "Escape" && chosen && !event.defaultPrevented) setChosen(null);
      }}
    >
      <section
        aria-label={text.ssh.title}
        className={`flex min-w-0 flex-1 flex-col overflow-y-auto max-wide:flex-none max-wide:overflow-visible ${
          chosen ? "max-wide:hidden" : ""
        }`}
      >
        <ViewHead title={text.ssh.title}>
          <span className="flex gap-2 max-row:hidden">
            <button
              type="button"
              className="btn"
              onClick={() => show({ kind: "ssh", sheet: { act: "explain" } })}
            >
              {text.ssh.certificate.explain}
            </button>
            <RenewButton />
          </span>
          <button
            type="button"
            className="btn btn-primary"
            data-act="issue"
            onClick={() => show({ kind: "ssh", sheet: { act: "issue" } })}
          >
            <Icon name="plus" />
            {text.ssh.certificate.issue}
          </button>
        </ViewHead>
        <KeySection chosen={key} onOpen={(key) => setChosen({ kind: "key", key })} />
        <AuthoritySection
          chosen={key}
          onOpen={(authority) => setChosen({ kind: "authority", authority })}
        />
        <CertificateSection
          chosen={key}
          onOpen={(certificate) => setChosen({ kind: "certificate", certificate })}
        />
        <div className="h-6 flex-none" />
      </section>
      {chosen ? (
        <ChosenPane chosen={chosen} onClose={() => setChosen(null)} />
      ) : (
        <ConfigurationPane />
      )}
    </div>
  );
}

function keyOf(chosen: Chosen): string {
  switch (chosen.kind) {
    case "key":
      return keyKey(chosen.key);
    case "authority":
      return authorityKey(chosen.authority);
    case "certificate":
      return certificateKey(chosen.certificate);
  }
}

/** What was chosen, as it is now. */
function ChosenPane({ chosen, onClose }: { chosen: Chosen; onClose: () => void }) {
  const authorities = useRead("list_authorities", {}).data?.authorities;
  const keys = useRead("list_keys", {}).data?.keys;
  const shown = chosen.kind === "certificate" ? chosen.certificate : null;
  const record = useRead(
    "show_certificate",
    {
      kind: shown?.kind ?? "user",
      serial: shown?.serial ?? 0,
      generation: shown?.generation || null,
    },
    { skip: shown === null },
  ).data;
  switch (chosen.kind) {
    case "key": {
      const key = keyKey(chosen.key);
      const now = keys?.find((one) => keyKey(one) === key);
      // It was removed.
      if (keys && !now) return <ConfigurationPane />;
      return <KeyPane key={key} keyRecord={now ?? chosen.key} onClose={onClose} />;
    }
    case "authority": {
      const key = authorityKey(chosen.authority);
      const now = authorities?.find((one) => authorityKey(one) === key) ?? chosen.authority;
      return <AuthorityPane key={key} authority={now} onClose={onClose} />;
    }
    case "certificate":
      return (
        <CertificatePane
          key={certificateKey(chosen.certificate)}
          certificate={record ?? chosen.certificate}
          onClose={onClose}
        />
      );
  }
}

function ConfigurationPane() {
  const revoked = useRead("list_revocations", {}).data?.revocations.length;
  return (
    <aside
      aria-label={text.ssh.paneTitle}
      className="flex w-102 flex-none flex-col border-l border-line max-wide:w-auto max-wide:border-t max-wide:border-l-0"
    >
      <Tabs.Root defaultValue="config" className="flex min-h-0 flex-1 flex-col">
        <Tabs.List className="flex h-12 flex-none items-end gap-5 border-b border-line px-4">
          <Tabs.Trigger value="config" className="tab">
            {text.ssh.configTab}
          </Tabs.Trigger>
          <Tabs.Trigger value="agent" className="tab">
            {text.keyWords.agent.tab}
          </Tabs.Trigger>
          <Tabs.Trigger value="revocations" className="tab">
            {text.ssh.revocation.tab}
            {revoked !== undefined && (
              <span className="ml-1.5 text-small font-normal text-3">{revoked}</span>
            )}
          </Tabs.Trigger>
        </Tabs.List>
        <Tabs.Content
          value="config"
          className="flex min-h-0 flex-1 flex-col data-[state=inactive]:hidden"
        >
          <ConfigTab />
        </Tabs.Content>
        <Tabs.Content
          value="agent"
          className="flex min-h-0 flex-1 flex-col data-[state=inactive]:hidden"
        >
          <AgentTab />
        </Tabs.Content>
        <Tabs.Content
          value="revocations"
          className="flex min-h-0 flex-1 flex-col data-[state=inactive]:hidden"
        >
          <RevocationTab />
        </Tabs.Content>
      </Tabs.Root>
    </aside>
  );
}
