import { Icon } from "../../components/Icon";
import { shortPath } from "../../format";

/** The name of a file over what is in it, and whose it is. */
export function FileHead({
  icon,
  path,
  aside,
}: {
  icon: "lock" | "file";
  path: string;
  aside: string;
}) {
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
