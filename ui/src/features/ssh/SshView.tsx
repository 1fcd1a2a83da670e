import { useApp } from "../../app/app-state";
import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { CopyLine, useCopy } from "../../components/CopyLine";
import { Diff } from "../../components/Diff";
import { Icon } from "../../components/Icon";
import { ProblemView } from "../../components/ProblemView";
import { SkeletonRows } from "../../components/Skeleton";
import { StatusGlyph } from "../../components/StatusGlyph";
import { useNow } from "../../components/useNow";
import { ValidityBar } from "../../components/ValidityBar";
import { ViewHead } from "../../components/ViewHead";
import { ago, exact, shortFingerprint, shortPath, span } from "../../format";
import type { CertificateInfo } from "../../generated/types";
import { text } from "../../text";

/** The key, its certificate, the authorities, and the one line in the user's own configuration. */
export function SshView() {
  return (
    <div className="flex min-h-0 min-w-0 flex-1 max-wide:flex-col max-wide:overflow-y-auto">
      <section
        aria-label={text.ssh.title}
        className="flex min-w-0 flex-1 flex-col overflow-y-auto max-wide:flex-none"
      >
        <ViewHead title={text.ssh.title} />
        <Keys />
        <Authorities />
      </section>
      <ConfigPane />
    </div>
  );
}

function Keys() {
  const { data, problem, loading } = useRead("show_key", {});
  const words = text.ssh.columns;
  if (problem) {
    return (
      <div className="border-t border-line p-4">
        <ProblemView problem={problem} />
      </div>
    );
  }
  return (
    <>
      <div className="section-head gap-3">
        <span className="w-50 text-body font-semibold text-1">{text.ssh.keys}</span>
        <span className="w-24">{words.type}</span>
        <span className="w-40">{words.fingerprint}</span>
        <span className="min-w-0 flex-1 text-right max-row:hidden">{words.path}</span>
      </div>
      {loading && <SkeletonRows rows={1} />}
      {data && (
        <div className="row gap-3">
          <span className="flex w-50 items-center gap-2 font-medium">
            <Icon name="key" className="text-2" />
            {text.ssh.accessKey}
          </span>
          <span className="w-24 text-2">{data.algorithm}</span>
          <code className="mono w-40 text-2" title={data.fingerprint}>
            {shortFingerprint(data.fingerprint)}
          </code>
          <code
            className="mono min-w-0 flex-1 truncate text-right text-2 max-row:hidden"
            title={data.path}
          >
            {shortPath(data.path, 34)}
          </code>
        </div>
      )}
      <div className="section-head mt-3 gap-3">
        <span className="w-50 text-body font-semibold text-1">{text.ssh.certificates}</span>
        <span className="min-w-0 flex-1">{words.principals}</span>
        <span className="w-24">{words.validity}</span>
        <span className="w-24 text-right">{words.left}</span>
      </div>
      {data &&
        (data.certificate ? (
          <CertificateRow certificate={data.certificate} />
        ) : (
          <p className="px-4 py-2 text-2">{text.ssh.noCertificate}</p>
        ))}
    </>
  );
}

function CertificateRow({ certificate }: { certificate: CertificateInfo }) {
  const now = useNow();
  const left = Date.parse(certificate.validBefore) - now;
  return (
    <div className="row gap-3" data-testid="certificate">
      <span className="flex w-50 min-w-0 items-center gap-3">
        <code className="mono text-2">{certificate.serial}</code>
        <span className="truncate font-medium" title={certificate.keyId}>
          {certificate.keyId}
        </span>
      </span>
      <code
        className="mono min-w-0 flex-1 truncate text-2"
        title={certificate.principals.join("\n")}
      >
        {certificate.principals.join(" ")}
      </code>
      <span className="w-24 flex-none">
        <ValidityBar certificate={certificate} now={now} />
      </span>
      <span className="w-24 flex-none text-right" title={exact(certificate.validBefore)}>
        {left > 0 ? span(left) : text.ssh.expired}
      </span>
    </div>
  );
}

function Authorities() {
  const { data, loading } = useRead("list_authorities", {});
  const now = useNow();
  const words = text.ssh.columns;
  return (
    <>
      <div className="section-head mt-3 gap-3">
        <span className="w-50 text-body font-semibold text-1">
          {text.ssh.authorities}{" "}
          <span className="ml-1 text-small font-normal text-3">{data?.authorities.length}</span>
        </span>
        <span className="w-24">{words.type}</span>
        <span className="w-40">{words.fingerprint}</span>
        <span className="ml-auto w-16 text-right">{words.issued}</span>
        <span className="w-16 text-right">{words.since}</span>
      </div>
      {loading && <SkeletonRows rows={2} />}
      {data?.authorities.map((authority) => (
        <div key={authority.fingerprint} className="row gap-3">
          <span className="flex w-50 items-center gap-2 font-medium">
            <Icon name={authority.kind === "user" ? "user" : "server"} className="text-2" />
            {authority.kind === "user" ? text.ssh.userAuthority : text.ssh.hostAuthority}
          </span>
          <span className="w-24 text-2">{authority.algorithm}</span>
          <code className="mono w-40 text-2" title={authority.fingerprint}>
            {shortFingerprint(authority.fingerprint)}
          </code>
          <span className="ml-auto w-16 text-right text-2">{authority.issued}</span>
          <span className="w-16 text-right text-small text-3" title={exact(authority.createdAt)}>
            {ago(authority.createdAt, now)}
          </span>
        </div>
      ))}
      {data && <p className="px-4 py-2 text-small text-3">{text.ssh.keptIn(data.keptIn)}</p>}
    </>
  );
}

function ConfigPane() {
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
    <aside
      aria-label={text.ssh.configTitle}
      className="flex w-102 flex-none flex-col border-l border-line max-wide:w-auto max-wide:border-t max-wide:border-l-0"
    >
      <header className="flex h-12 flex-none items-center gap-2 px-4">
        <Icon name="file" className="text-2" />
        <h2 className="text-head">{text.ssh.configTitle}</h2>
      </header>
      <div className="selectable min-h-0 flex-1 overflow-y-auto border-t border-line px-4 py-3">
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
    </aside>
  );
}

function FileHead({ icon, path, aside }: { icon: "lock" | "file"; path: string; aside: string }) {
  return (
    <p className="mb-2 flex items-center gap-2">
      <Icon name={icon} className="text-2" />
      <code className="mono min-w-0 truncate" title={path}>
        {shortPath(path, 30)}
      </code>
      <span className="ml-auto flex-none text-small text-2">{aside}</span>
    </p>
  );
}
