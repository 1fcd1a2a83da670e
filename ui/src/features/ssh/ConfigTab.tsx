import { useApp } from "../../app/app-state";
import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { CopyLine, useCopy } from "../../components/CopyLine";
import { Diff } from "../../components/Diff";
import { Icon } from "../../components/Icon";
import { ProblemView } from "../../components/ProblemView";
import { StatusGlyph } from "../../components/StatusGlyph";
import { text } from "../../text";
import { FileHead } from "./FileHead";
import { HostLines, Remarks } from "./HostLines";

/** The one line in the user's own configuration, and ours that it includes. */
export function ConfigTab() {
  const { show } = useApp();
  const status = useRead("ssh_status", {});
  const plan = useRead("plan_ssh_install", {});
  const config = useRead("show_ssh_config", {});
  const install = useChange("install_ssh");
  const uninstall = useChange("uninstall_ssh");
  const { copied, copy } = useCopy();
  const installed = status.data?.installed ?? false;
  const failed = (error: unknown) =>
    show({ kind: "problem", title: text.ssh.configTitle, problem: problemOf(error) });

  return (
    <>
      <div className="selectable min-h-0 flex-1 overflow-y-auto px-4 py-3">
        {status.problem && <ProblemView problem={status.problem} />}
        {status.data && (
          <p className="flex gap-2" data-testid="include-status">
            <StatusGlyph shape={installed ? "done" : "attention"} className="mt-0.5" />
            <span>
              {installed ? text.ssh.installed : text.ssh.missing}
              {!installed && <span className="mt-0.5 block text-2">{text.ssh.missingWhy}</span>}
            </span>
          </p>
        )}
        {status.data && status.data.damage.length > 0 && (
          <section className="mt-4">
            <h3 className="mb-1.5 text-2">{text.ssh.damage}</h3>
            <Remarks remarks={status.data.damage} />
          </section>
        )}
        {status.data?.editorConfig && (
          <section className="mt-4 flex gap-2">
            <StatusGlyph
              shape={status.data.editorConfig.installed ? "done" : "attention"}
              className="mt-0.5"
            />
            <div className="min-w-0 [overflow-wrap:anywhere]">
              <p>{text.ssh.editorConfig}</p>
              <code className="mono block text-2">{status.data.editorConfig.path}</code>
              <p className="text-2">
                {status.data.editorConfig.installed
                  ? text.ssh.editorInstalled
                  : text.ssh.editorMissing}
              </p>
            </div>
          </section>
        )}
        {plan.data && (
          <section className="mt-4">
            <FileHead
              icon="lock"
              path={plan.data.path}
              aside={`${text.ssh.yours}, ${plan.data.already ? text.ssh.unchanged : text.ssh.lineAdded}`}
            />
            {plan.data.blocked ? (
              <>
                <p className="mb-2 text-bad-text">{plan.data.blocked}</p>
                <p className="mb-2 text-2">{text.ssh.blocked}</p>
                <CopyLine line={plan.data.includeLine} />
              </>
            ) : plan.data.already ? (
              <CopyLine line={plan.data.includeLine} />
            ) : (
              <div className="well">
                <Diff diff={plan.data.diff} />
              </div>
            )}
            {plan.data.editor && !plan.data.editor.already && (
              <div className="mt-3">
                <FileHead icon="lock" path={plan.data.editor.path} aside={text.ssh.yours} />
                {plan.data.editor.blocked ? (
                  <p className="text-bad-text">{plan.data.editor.blocked}</p>
                ) : (
                  <div className="well">
                    <Diff diff={plan.data.editor.diff} />
                  </div>
                )}
              </div>
            )}
            {plan.data.backup && !plan.data.already && (
              <p className="mt-1.5 text-small text-3">{text.ssh.backup(plan.data.backup)}</p>
            )}
          </section>
        )}
        {config.data && (
          <section className="mt-5">
            <FileHead icon="file" path={config.data.path} aside={text.ssh.ours} />
            <pre className="well log max-h-96 overflow-auto px-3 py-1 text-2" tabIndex={0}>
              {config.data.text}
            </pre>
          </section>
        )}
        <div className="mt-5">
          <HostLines />
        </div>
        {status.data && status.data.hosts.length > 0 && (
          <p className="mt-3 flex gap-2 text-2" title={status.data.hosts.join("\n")}>
            <StatusGlyph shape="done" className="mt-0.5" />
            {text.ssh.names(status.data.hosts.length)}
          </p>
        )}
      </div>
      <footer className="flex h-13 flex-none items-center gap-2 border-t border-line px-4">
        {installed && (
          <button
            type="button"
            className="btn btn-ghost -ml-2"
            disabled={uninstall.isPending}
            onClick={() => uninstall.mutate({}, { onError: failed })}
          >
            {text.ssh.uninstall}
          </button>
        )}
        <span className="flex-1" />
        <button
          type="button"
          className="btn"
          disabled={!config.data}
          onClick={() => config.data && copy(config.data.text)}
        >
          <Icon name={copied ? "check" : "copy"} />
          {text.ssh.copyConfig}
        </button>
        {!installed && (
          <button
            type="button"
            className="btn btn-primary"
            disabled={!plan.data || plan.data.blocked !== null || install.isPending}
            onClick={() => install.mutate({}, { onError: failed })}
          >
            {text.ssh.install}
          </button>
        )}
      </footer>
    </>
  );
}
