import { useState, type ReactNode } from "react";
import { sshLine } from "../../app/actions";
import { useApp } from "../../app/app-state";
import { hostTitle } from "../../app/hosts";
import { useRead } from "../../backend/cache";
import { CopyLine } from "../../components/CopyLine";
import { ProblemView } from "../../components/ProblemView";
import { StatusGlyph } from "../../components/StatusGlyph";
import { bytes, day, exact, shortPath } from "../../format";
import type { Container, ContainerDetail } from "../../generated/types";
import { text } from "../../text";
import { IdleFact } from "./IdleFact";

/** How many variables are shown before "more". */
const FEW = 4;

/** State, way in, what it is made of. Shows what the list knows at once and the rest when it is read. */
export function OverviewTab({ container }: { container: Container }) {
  const { show } = useApp();
  const { data, problem } = useRead(
    "show_container",
    { container: container.id },
    { keepPrevious: true },
  );
  const hosts = useRead("list_hosts", {});
  const words = text.detail;

  return (
    <div className="selectable flex flex-col px-4 pt-3.5 pb-6">
      <CopyLine line={sshLine(container)} />
      {problem && (
        <div className="mt-4">
          <ProblemView problem={problem} />
        </div>
      )}
      {data?.outOfMemory && <Note>{words.outOfMemory}</Note>}
      {container.workspace && !container.workspaceExists && <Note>{words.workspaceGone}</Note>}
      <dl className="mt-3.5 grid grid-cols-[92px_1fr] gap-y-1.5 border-t border-line pt-3">
        <Fact name={words.image} mono>
          {container.image}
        </Fact>
        {container.workspace && (
          <Fact name={words.workspace} mono title={container.workspace}>
            {shortPath(container.workspace)}
          </Fact>
        )}
        {data && (
          <>
            <Fact name={words.folder} mono title={data.remoteWorkspaceFolder}>
              {shortPath(data.remoteWorkspaceFolder)}
            </Fact>
            <Fact name={words.user} mono>
              {data.remoteUser}
            </Fact>
          </>
        )}
        <Fact name={words.host}>{hostTitle(container.host, hosts.data?.hosts)}</Fact>
        <Fact name={words.created} title={exact(container.createdAt)}>
          {container.createdAt ? day(container.createdAt) : text.common.notKnown}
        </Fact>
        {data && (
          <>
            <Fact name={words.profile}>{words.profiles[data.profile] ?? data.profile}</Fact>
            <Limits detail={data} />
            <IdleFact container={container} />
          </>
        )}
      </dl>
      {container.ports.length > 0 && (
        <Section title={words.ports}>
          {container.ports.map((port) => (
            <Pair
              key={`${port.containerPort}${port.protocol}${port.hostPort}`}
              left={`${port.containerPort}${port.protocol === "tcp" ? "" : `/${port.protocol}`}`}
              right={
                port.hostPort === null ? text.common.none : `${port.hostIp ?? "*"}:${port.hostPort}`
              }
            />
          ))}
        </Section>
      )}
      {data && data.mounts.length > 0 && (
        <Section title={words.mounts}>
          {data.mounts.map((mount) => (
            <Pair
              key={mount.target}
              left={mount.target}
              right={mount.source}
              aside={mount.readOnly ? words.readOnly : words.readWrite}
            />
          ))}
        </Section>
      )}
      {data && data.networks.length > 0 && (
        <Section title={words.networks}>
          {data.networks.map((network) => (
            <Pair key={network} left={network} right="" />
          ))}
        </Section>
      )}
      {data && <Environment variables={data.environment} />}
      {data?.configChanged && (
        <div className="mt-3.5 flex items-center gap-2 border-t border-line pt-3">
          <span className="w-4 text-center text-warn-text" aria-hidden="true">
            ±
          </span>
          <span className="min-w-0 flex-1">
            <span className="font-medium">{words.changed}</span>{" "}
            <span className="text-2">{words.changedSince}</span>
          </span>
          <button
            type="button"
            className="btn"
            onClick={() => show({ kind: "rebuild", container })}
          >
            {text.containers.rebuild}
          </button>
        </div>
      )}
    </div>
  );
}

function Fact({
  name,
  children,
  mono,
  title,
}: {
  name: string;
  children: ReactNode;
  mono?: boolean;
  title?: string | undefined;
}) {
  return (
    <>
      <dt className="text-3">{name}</dt>
      <dd
        className={`min-w-0 [overflow-wrap:anywhere] ${mono ? "mono leading-5" : ""}`}
        title={title}
      >
        {children}
      </dd>
    </>
  );
}

function Limits({ detail }: { detail: ContainerDetail }) {
  const limits = [
    detail.memoryLimit === null ? null : bytes(detail.memoryLimit),
    detail.cpuLimit === null ? null : text.detail.cores(detail.cpuLimit),
  ].filter((limit) => limit !== null);
  return limits.length > 0 ? <Fact name={text.detail.limits}>{limits.join(", ")}</Fact> : null;
}

function Section({
  title,
  aside,
  children,
}: {
  title: string;
  aside?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="mt-3.5 border-t border-line pt-3">
      <h3 className="mb-1.5 flex text-small font-medium text-2">
        {title}
        <span className="ml-auto font-normal">{aside}</span>
      </h3>
      {children}
    </section>
  );
}

function Pair({ left, right, aside }: { left: string; right: string; aside?: string }) {
  return (
    <div className="mono flex gap-3 leading-5">
      <span className="w-1/2 min-w-0 truncate" title={left}>
        {left}
      </span>
      <span className="min-w-0 flex-1 truncate text-2" title={right}>
        {right && shortPath(right, 32)}
      </span>
      {aside && <span className="text-3">{aside}</span>}
    </div>
  );
}

function Environment({ variables }: { variables: ContainerDetail["environment"] }) {
  const [all, setAll] = useState(false);
  const names = Object.keys(variables);
  if (names.length === 0) return null;
  const hidden = names.length - FEW;
  return (
    <Section
      title={text.detail.environment}
      aside={
        hidden > 0 && (
          <button
            type="button"
            className="text-3 hover:text-1"
            onClick={() => setAll(!all)}
            aria-expanded={all}
          >
            {all ? text.detail.environmentLess : text.detail.environmentMore(hidden)}
          </button>
        )
      }
    >
      {names.slice(0, all ? undefined : FEW).map((name) => (
        <Pair key={name} left={name} right={variables[name] ?? ""} />
      ))}
    </Section>
  );
}

function Note({ children }: { children: ReactNode }) {
  return (
    <p className="mt-3 flex gap-2">
      <StatusGlyph shape="attention" className="mt-0.5" />
      {children}
    </p>
  );
}
