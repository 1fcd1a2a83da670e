import { Icon } from "../../components/Icon";
import type { TrustSheet } from "../../generated/types";
import { text } from "../../text";

const BADGE = {
  bad: "bg-bad-bg text-bad-text",
  warn: "bg-warn-bg text-warn-text",
  none: "",
} as const;

/** Everything that is asked for, each line with what follows and where it comes from. Starts unticked. */
export function TrustList({
  sheet,
  title,
  ticked,
  onTick,
}: {
  sheet: TrustSheet;
  title: string;
  ticked: ReadonlySet<number>;
  onTick: (ticked: ReadonlySet<number>) => void;
}) {
  const all = sheet.items.length;
  const toggle = (index: number) => {
    const next = new Set(ticked);
    if (!next.delete(index)) next.add(index);
    onTick(next);
  };
  return (
    <section
      className="overflow-hidden rounded-panel border border-line-strong"
      aria-label={title}
      data-testid="trust"
    >
      <header className="flex min-h-9.5 items-center gap-2.5 bg-warn-bg px-3.5">
        <Icon name="shield" className="text-warn-text" />
        <h3 className="font-semibold">{title}</h3>
        <span className="ml-auto text-small text-2">
          {sheet.allowed ? text.trust.before : text.trust.allowed(ticked.size, all)}
        </span>
        {!sheet.allowed && ticked.size < all && (
          <button
            type="button"
            className="link text-body"
            onClick={() => onTick(new Set(sheet.items.keys()))}
          >
            {text.trust.allowAll}
          </button>
        )}
      </header>
      <ul>
        {sheet.items.map((item, index) => {
          const badge = text.trustBadge[item.kind];
          return (
            <li
              key={`${item.key}${item.value}`}
              className={index > 0 ? "border-t border-line" : "border-t border-transparent"}
            >
              <label className="flex gap-2.5 px-3.5 py-2">
                <input
                  type="checkbox"
                  aria-label={`${item.title}: ${item.key} ${item.value}`}
                  className="check"
                  checked={sheet.allowed || ticked.has(index)}
                  disabled={sheet.allowed}
                  onChange={() => toggle(index)}
                />
                <span className="selectable min-w-0 flex-1">
                  <span className="flex items-center gap-2">
                    <span className="font-medium">{item.title}</span>
                    {badge.label && (
                      <span className={`badge ${BADGE[badge.level]}`}>{badge.label}</span>
                    )}
                    <code
                      className="mono ml-auto truncate pl-3 text-accent-text"
                      title={item.origin}
                    >
                      {shortOrigin(item.origin)}
                    </code>
                  </span>
                  <code className="mono block leading-5 [overflow-wrap:anywhere]">
                    <span className="mr-3 text-2">{item.key}</span>
                    {item.value}
                  </code>
                  <span className="block text-small text-2">{item.consequence}</span>
                </span>
              </label>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The file's name and line; the whole path is in the tooltip. */
function shortOrigin(origin: string): string {
  return origin.startsWith("/") ? (origin.split("/").at(-1) ?? origin) : origin;
}

/** `Consent is bound to sha256:9f2c…41ab. Any change asks again.` */
export function TrustFoot({ hash }: { hash: string }) {
  return (
    <>
      {text.trust.bound}{" "}
      <code className="mono" title={hash}>
        sha256:{hash.slice(0, 4)}…{hash.slice(-4)}
      </code>
      . {text.trust.boundTail}
    </>
  );
}
