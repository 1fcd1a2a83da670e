/** Key caps: `Ctrl` `K`. On a Mac the modifier has its own sign. */
export function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className="inline-flex gap-[3px]">
      {keys.map((key) => (
        <kbd key={key} className="kbd">
          {key === "Ctrl" && isMac ? "⌘" : key}
        </kbd>
      ))}
    </span>
  );
}

const isMac = navigator.platform.startsWith("Mac");
