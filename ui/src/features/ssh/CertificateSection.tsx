import { useState } from "react";
import { useApp } from "../../app/app-state";
import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { FilterField } from "../../components/FilterField";
import { ProblemView } from "../../components/ProblemView";
import { RowActs, Rows } from "../../components/Rows";
import { SkeletonRows } from "../../components/Skeleton";
import { useNow } from "../../components/useNow";
import { ValidityBar } from "../../components/ValidityBar";
import { exact, span } from "../../format";
import type { AuthorityKind, CertificateRecord } from "../../generated/types";
import { text } from "../../text";

/** How many records are asked for at first, and how many times more on each wish. */
const FIRST = 200;
const MORE = 5;

export function certificateKey(one: CertificateRecord): string {
  return `certificate ${one.authority} ${one.serial}`;
}

/** The certificates that were signed, newest first, with a filter. */
export function CertificateSection({
  chosen,
  onOpen,
}: {
  chosen: string | null;
  onOpen: (certificate: CertificateRecord) => void;
}) {
  const { show } = useApp();
  const [kind, setKind] = useState<AuthorityKind | null>(null);
  const [expired, setExpired] = useState(false);
  const [limit, setLimit] = useState(FIRST);
  const [filter, setFilter] = useState("");
  const { data, problem, loading } = useRead(
    "list_certificates",
    { kind, expired, limit },
    { keepPrevious: true },
  );
  const own = useRead("show_key", {}).data?.certificate ?? null;
  const now = useNow();
  const words = text.ssh.certificate;
  const all = data?.certificates ?? [];
  const shown = all.filter((one) => fits(one, filter));
  const isOwn = (one: CertificateRecord) =>
    own !== null && own.serial === one.serial && own.authority === one.authority;

  return (
    <section aria-label={text.ssh.certificates}>
      <div className="section-head mt-3 gap-3 pr-2!">
        <h2 className="text-body font-semibold text-1">
          {text.ssh.certificates}{" "}
          <span className="ml-1 text-small font-normal text-3">{data && all.length}</span>
        </h2>
        <span className="flex-1" />
        <KindChoice kind={kind} onChoose={setKind} />
        <label className="flex flex-none items-center gap-1.5 text-small text-2">
          <input
            type="checkbox"
            className="check"
            checked={expired}
            onChange={(event) => setExpired(event.target.checked)}
          />
          {words.withExpired}
        </label>
        <span className="flex w-44 min-w-0 max-row:hidden">
          <FilterField
            value={filter}
            onChange={setFilter}
            label={words.filter}
            hint={words.filterHint}
          />
        </span>
      </div>
      {loading && <SkeletonRows rows={4} />}
      {problem && (
        <div className="p-4">
          <ProblemView problem={problem} />
        </div>
      )}
      {data && all.length === 0 && <p className="px-4 py-2 text-2">{words.empty}</p>}
      {data && all.length > 0 && shown.length === 0 && (
        <div className="flex flex-col items-start gap-2 px-4 py-3">
          <p>
            <span className="font-semibold">{words.filteredTitle}.</span>{" "}
            <span className="text-2">{words.filteredText(all.length)}</span>
          </p>
          <button type="button" className="btn btn-small" onClick={() => setFilter("")}>
            {words.clear}
          </button>
        </div>
      )}
      <Rows
        label={text.ssh.certificates}
        items={shown}
        keyOf={certificateKey}
        nameOf={(one) => `${one.serial} ${nameOf(one)}, ${text.ssh.state[one.state]}`}
        chosen={chosen}
        onOpen={onOpen}
        onKey={(key, certificate) => {
          if (key !== "Delete" || certificate.state === "revoked") return false;
          show({ kind: "ssh", sheet: { act: "revoke", certificate } });
          return true;
        }}
        dim={(one) => one.state === "expired"}
      >
        {(one) => <CertificateRow certificate={one} own={isOwn(one)} now={now} />}
      </Rows>
      {data && all.length >= limit && (
        <div className="px-4 py-2">
          <button type="button" className="btn btn-small" onClick={() => setLimit(limit * MORE)}>
            {words.more}
          </button>
        </div>
      )}
    </section>
  );
}

function CertificateRow({
  certificate,
  own,
  now,
}: {
  certificate: CertificateRecord;
  own: boolean;
  now: number;
}) {
  const { show } = useApp();
  const words = text.ssh.certificate;
  const left = Date.parse(certificate.validBefore) - now;
  const revoked = certificate.state === "revoked";
  return (
    <>
      <span role="gridcell" className="mono quiet w-12 flex-none text-2">
        {certificate.serial}
      </span>
      <span
        role="gridcell"
        className="flex w-32 min-w-0 flex-none items-center gap-2 max-row:flex-1"
      >
        <span
          className={`truncate ${revoked ? "text-3 line-through" : certificate.state === "expired" ? "" : "font-medium"}`}
          title={certificate.keyId}
        >
          {nameOf(certificate)}
        </span>
        {own && <span className="badge bg-press text-2">{words.yours}</span>}
        {(certificate.state === "untrusted" || certificate.state === "notYetValid") && (
          <span className="badge bg-warn-bg text-warn-text">
            {text.ssh.state[certificate.state]}
          </span>
        )}
      </span>
      <span role="gridcell" className="quiet w-10 flex-none text-2 max-row:hidden">
        {text.ssh.kind[certificate.kind]}
      </span>
      <span
        role="gridcell"
        className="mono quiet min-w-0 flex-1 truncate text-2 max-row:hidden"
        title={certificate.principals.join("\n")}
      >
        {certificate.principals.join(" ")}
      </span>
      <span role="gridcell" className="w-24 flex-none max-row:hidden">
        <ValidityBar certificate={certificate} now={now} revoked={revoked} />
      </span>
      <span
        role="gridcell"
        className={`w-20 flex-none text-right ${revoked ? "text-bad-text" : ""}`}
        title={exact(certificate.validBefore)}
      >
        {revoked || left <= 0 ? text.ssh.state[revoked ? "revoked" : "expired"] : span(left)}
      </span>
      {!revoked && certificate.state !== "expired" && (
        <RowActs>
          <button
            type="button"
            className="btn btn-small btn-danger"
            tabIndex={-1}
            onClick={() => show({ kind: "ssh", sheet: { act: "revoke", certificate } })}
          >
            {words.revoke}
          </button>
        </RowActs>
      )}
    </>
  );
}

/** Signs what is ours anew. */
export function RenewButton() {
  const { show, toast } = useApp();
  const renew = useChange("renew_certificates");
  const words = text.ssh.certificate;
  return (
    <button
      type="button"
      className="btn"
      disabled={renew.isPending}
      onClick={() =>
        renew.mutate(
          {},
          {
            onSuccess: () => toast({ tone: "done", text: words.renewed }),
            onError: (error) =>
              show({ kind: "problem", title: words.renew, problem: problemOf(error) }),
          },
        )
      }
    >
      {words.renew}
    </button>
  );
}

function KindChoice({
  kind,
  onChoose,
}: {
  kind: AuthorityKind | null;
  onChoose: (kind: AuthorityKind | null) => void;
}) {
  const words = text.ssh.certificate;
  return (
    <span role="group" aria-label={words.kinds} className="flex flex-none">
      {([null, "user", "host"] as const).map((one) => (
        <button
          key={one ?? "all"}
          type="button"
          aria-pressed={kind === one}
          className={`btn btn-small ${kind === one ? "bg-press! shadow-none!" : "btn-ghost"}`}
          onClick={() => onChoose(one)}
        >
          {one ? text.ssh.kind[one] : words.all}
        </button>
      ))}
    </span>
  );
}

/** The key id without the word for its kind and without the number, which have columns of their own. */
export function nameOf(certificate: Pick<CertificateRecord, "keyId">): string {
  return certificate.keyId.replace(/^(user|host):/, "").replace(/\/\d+$/, "");
}

/** True when every word of the filter is in something that the row or its pane shows. */
function fits(certificate: CertificateRecord, filter: string): boolean {
  const held = [
    String(certificate.serial),
    certificate.keyId,
    ...certificate.principals,
    certificate.subject,
    certificate.reason,
    certificate.askedBy,
    text.ssh.state[certificate.state],
  ]
    .join("\n")
    .toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => held.includes(word));
}
