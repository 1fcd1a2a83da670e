import { useApp } from "../../app/app-state";
import { CopyBlock } from "../../components/CopyBlock";
import { Sheet } from "../../components/Sheet";
import type { ExportedKey } from "../../generated/types";
import { text } from "../../text";

/** A key that was given out, to take elsewhere. */
export function ExportedSheet({ name, exported }: { name: string; exported: ExportedKey }) {
  const { show } = useApp();
  const words = text.ssh.export;
  return (
    <Sheet
      title={`${words.done}: ${name}`}
      onClose={() => show(null)}
      footer={
        <>
          <span className="flex-1" />
          <button type="button" className="btn" onClick={() => show(null)}>
            {text.common.close}
          </button>
        </>
      }
    >
      <div className="flex flex-col gap-4 px-5 pb-5">
        <CopyBlock label={words.publicKey} value={exported.publicKey} />
        {exported.privateKey && <CopyBlock label={words.privateKey} value={exported.privateKey} />}
      </div>
    </Sheet>
  );
}
