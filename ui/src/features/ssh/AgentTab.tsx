import { useApp } from "../../app/app-state";
import { problemOf } from "../../backend/backend";
import { useChange, useRead } from "../../backend/cache";
import { Icon } from "../../components/Icon";
import { IconButton } from "../../components/IconButton";
import { ProblemView } from "../../components/ProblemView";
import { SkeletonRows } from "../../components/Skeleton";
import { shortFingerprint } from "../../format";
import { text } from "../../text";
import { FileHead } from "./FileHead";

/** What the person's ssh-agent holds. */
export function AgentTab() {
  const { show } = useApp();
  const { data, problem, loading } = useRead("list_agent_keys", {});
  const takeBack = useChange("remove_agent_key");
  const words = text.keyWords.agent;
  const take = (name: string) =>
    takeBack.mutate(
      { name },
      {
        onError: (error) =>
          show({ kind: "problem", title: words.take(name), problem: problemOf(error) }),
      },
    );
  return (
    <div className="selectable min-h-0 flex-1 overflow-y-auto px-4 py-3">
      {loading && <SkeletonRows rows={2} />}
      {problem && <ProblemView problem={problem} />}
      {data && (
        <>
          <FileHead icon="file" path={data.agent} aside={words.listens} />
          <p className="mb-2 text-2">{words.holds(data.keys.length)}</p>
          <ul aria-label={words.list}>
            {data.keys.map((key, index) => (
              <li
                key={`${key.fingerprint ?? key.comment} ${key.certificate?.serial ?? index}`}
                className="flex items-start gap-2 border-t border-line py-2"
              >
                <Icon name="key" className="mt-0.5 text-2" />
                <div className="min-w-0 flex-1">
                  <p className="truncate font-medium">{key.name ?? key.comment}</p>
                  <p className="text-small text-2">
                    {text.keyWords.typeOf(key.keyType)}
                    {key.certificate && ` ${words.withCertificate(key.certificate.serial)}`}
                  </p>
                  <code className="mono block truncate text-2" title={key.fingerprint ?? ""}>
                    {key.fingerprint ? shortFingerprint(key.fingerprint) : words.unknown}
                  </code>
                </div>
                {key.name !== null && (
                  <IconButton
                    icon="close"
                    label={words.take(key.name)}
                    disabled={takeBack.isPending}
                    onClick={() => key.name !== null && take(key.name)}
                  />
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
