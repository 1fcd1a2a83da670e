import { Keys } from "../components/Keys";
import { Sheet } from "../components/Sheet";
import { text } from "../text";
import { useApp } from "./app-state";

const EVERYWHERE: [string, string[]][] = [
  [text.keys.palette, ["Ctrl", "K"]],
  [text.keys.new, ["Ctrl", "N"]],
  [text.keys.filter, ["/"]],
  [text.keys.peek, ["Esc"]],
  [text.keys.help, ["?"]],
];
const LIST: [string, string[]][] = [
  [text.keys.move, ["↑", "↓"]],
  [text.keys.open, ["↵", "O"]],
  [text.keys.terminal, ["T"]],
  [text.keys.copy, ["C"]],
  [text.keys.startStop, ["S"]],
  [text.keys.restart, ["R"]],
  [text.keys.rebuild, ["Ctrl", "R"]],
  [text.keys.remove, ["Del"]],
  [text.keys.menu, ["."]],
];

/** All keys. */
export function KeysSheet() {
  const { show } = useApp();
  return (
    <Sheet title={text.keys.title} width={560} top={96} onClose={() => show(null)}>
      <div className="grid grid-cols-2 gap-8 px-5 pb-5 max-row:grid-cols-1">
        <Group title={text.keys.everywhere} keys={EVERYWHERE} />
        <Group title={text.keys.list} keys={LIST} />
      </div>
    </Sheet>
  );
}

function Group({ title, keys }: { title: string; keys: [string, string[]][] }) {
  return (
    <section>
      <h3 className="pb-1 text-small text-3">{title}</h3>
      <dl>
        {keys.map(([name, caps]) => (
          <div key={name} className="flex h-8 items-center border-t border-line">
            <dt className="flex-1">{name}</dt>
            <dd>
              <Keys keys={caps} />
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
