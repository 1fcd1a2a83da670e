import { useState } from "react";
import { useApp } from "../../app/app-state";
import { text } from "../../text";
import { SourceField } from "../create/SourceField";

/** What a container is, and the real input in place. */
export function EmptyContainers() {
  const { show } = useApp();
  const [source, setSource] = useState("");
  return (
    <div className="flex flex-1 flex-col items-center overflow-y-auto border-t border-line px-4">
      <div className="mt-[11vh] w-full max-w-150">
        <h2 className="text-head">{text.containers.emptyTitle}</h2>
        <p className="mt-1 text-2">
          {text.containers.emptyText}
          <br />
          {text.containers.emptySsh} <code className="mono text-1">ssh NAME.devctl</code>.
        </p>
        <form
          className="mt-5"
          onSubmit={(event) => {
            event.preventDefault();
            if (source.trim()) show({ kind: "create", source: source.trim() });
          }}
        >
          <SourceField
            value={source}
            onChange={setSource}
            onFolder={(folder) => show({ kind: "create", source: folder })}
          />
        </form>
        <p className="mt-2 text-small text-3">{text.create.dropHint}</p>
      </div>
    </div>
  );
}
