import type { ReactNode } from "react";
import { useApp } from "../../app/app-state";
import { useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { StatusGlyph } from "../../components/StatusGlyph";
import type { AskedSecrets } from "../../generated/types";
import { text } from "../../text";

/** The secrets of one folder or image, and what its configuration would like to have and has not. */
export function FolderGroup({
  source,
  asks,
  children,
}: {
  source: string;
  /** There is a folder whose configuration may ask for some. */
  asks: boolean;
  /** The secrets that are there; null where there is none. */
  children: ReactNode;
}) {
  const { data, problem } = useRead(
    "list_asked_secrets",
    { source, kind: null, config: null },
    { skip: !asks, retry: false },
  );
  const missing = data?.secrets.some((one) => one.state !== "set") ?? false;
  // A folder that neither has nor wants any is no group here.
  if (children === null && !missing) return null;
  return (
    <section aria-label={source}>
      <GroupHead icon={asks ? "folder" : "box"} title={source} />
      {children}
      {data && missing && <AskedFor asked={data} />}
      {problem && problem.code !== "config.not_found" && (
        <p className="px-4 py-1.5 text-small text-3">
          {text.secrets.askedUnknown}: {problem.message}
        </p>
      )}
    </section>
  );
}

/** The head of a group; the first one names the columns, too. */
export function GroupHead({
  icon,
  title,
  columns = false,
}: {
  icon: "user" | "folder" | "box";
  title: string;
  columns?: boolean;
}) {
  const words = text.secrets.columns;
  return (
    <div className="section-head gap-3 not-first:mt-3">
      <h2 className="flex min-w-0 flex-1 items-center gap-2 text-body font-semibold text-1">
        <Icon name={icon} className="text-2" />
        <span className="truncate" title={title}>
          {title}
        </span>
      </h2>
      {columns && (
        <>
          <span className="w-24 flex-none max-row:hidden">{words.delivery}</span>
          <span className="w-16 flex-none text-right">{words.changed}</span>
        </>
      )}
    </div>
  );
}

function AskedFor({ asked }: { asked: AskedSecrets }) {
  const { show } = useApp();
  const words = text.secrets;
  const missing = asked.secrets.filter((one) => one.state !== "set");
  return (
    <div className="px-4 py-1.5">
      <h3 className="text-small text-3">{words.askedTitle}</h3>
      <ul>
        {missing.map((one) => (
          <li key={one.name} className="flex items-start gap-2 py-1" data-asked={one.name}>
            <StatusGlyph
              shape={one.state === "declined" ? "stopped" : "attention"}
              className="mt-0.5"
            />
            <div className="selectable min-w-0 flex-1">
              <p className="flex flex-wrap gap-x-2">
                <code className="mono leading-5">{one.name}</code>
                <span className="text-small leading-5 text-2">{words.askedState[one.state]}</span>
              </p>
              {one.description && <p className="text-small text-2">{one.description}</p>}
              {one.documentationUrl && (
                <code className="mono block truncate text-3" title={one.documentationUrl}>
                  {one.documentationUrl}
                </code>
              )}
            </div>
            {one.state !== "refused" && (
              <button
                type="button"
                className="btn btn-small"
                aria-label={words.askedSetLabel(one.name)}
                onClick={() =>
                  show({
                    kind: "secret",
                    sheet: {
                      act: "set",
                      secret: null,
                      name: one.name,
                      container: asked.container,
                    },
                  })
                }
              >
                {words.askedSet}
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}
