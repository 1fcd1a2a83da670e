import { useApp } from "../../app/app-state";
import { problemOf } from "../../backend/backend";
import { useChange } from "../../backend/cache";
import { CopyBlock } from "../../components/CopyBlock";
import { Fact, Facts } from "../../components/Facts";
import { Icon } from "../../components/Icon";
import { Pane } from "../../components/Pane";
import { ProblemView } from "../../components/ProblemView";
import { exact } from "../../format";
import type { SecretInfo } from "../../generated/types";
import { text } from "../../text";

/** One secret. Its value is asked for only when the person wants to see it, and forgotten with the pane. */
export function SecretPane({ secret, onClose }: { secret: SecretInfo; onClose: () => void }) {
  const { show } = useApp();
  const reveal = useChange("reveal_secret");
  const words = text.secrets;
  const facts = words.facts;
  return (
    <Pane
      label={words.label(secret.name)}
      title={<code className="font-mono">{secret.name}</code>}
      glyph={<Icon name="lock" className="text-2" />}
      onClose={onClose}
      footer={
        <>
          <button
            type="button"
            className="btn btn-danger"
            onClick={() => show({ kind: "secret", sheet: { act: "remove", secret } })}
          >
            {words.remove}
          </button>
          <span className="flex-1" />
          <button
            type="button"
            className="btn"
            onClick={() => show({ kind: "secret", sheet: { act: "set", secret } })}
          >
            {words.replace}
          </button>
        </>
      }
    >
      <Facts>
        <Fact name={facts.scope}>{secret.source ?? words.person}</Fact>
        <Fact name={facts.delivery}>{words.delivery[secret.delivery]}</Fact>
        {secret.delivery === "file" ? (
          <Fact name={facts.path}>
            <code className="mono leading-5">{words.file(secret.name)}</code>
          </Fact>
        ) : (
          <Fact name={facts.variable}>
            <code className="mono leading-5">{secret.name}</code>
          </Fact>
        )}
        <Fact name={facts.changed}>{exact(secret.changedAt)}</Fact>
      </Facts>
      {reveal.data ? (
        <div className="flex flex-col items-start gap-2">
          <div className="w-full">
            <CopyBlock
              label={facts.value}
              hint={reveal.data.base64 ? words.base64 : undefined}
              value={reveal.data.value}
            />
          </div>
          <button type="button" className="btn btn-small" onClick={() => reveal.reset()}>
            {words.hide}
          </button>
        </div>
      ) : (
        <section aria-label={facts.value}>
          <div className="flex items-center gap-2">
            <code className="mono min-w-0 flex-1 text-3" aria-hidden="true">
              {words.hidden}
            </code>
            <button
              type="button"
              className="btn btn-small"
              disabled={reveal.isPending}
              onClick={() => reveal.mutate({ name: secret.name, container: secret.source })}
            >
              {words.reveal}
            </button>
          </div>
          <p className="mt-1 text-small text-3">{words.revealed}</p>
        </section>
      )}
      {reveal.isError && <ProblemView problem={problemOf(reveal.error)} />}
    </Pane>
  );
}
