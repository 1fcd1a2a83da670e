import { ProblemView } from "../components/ProblemView";
import { Sheet } from "../components/Sheet";
import { RebuildSheet } from "../features/containers/RebuildSheet";
import { RemoveSheet } from "../features/containers/RemoveSheet";
import { JobSheet } from "../features/create/JobSheet";
import { NewContainerSheet } from "../features/create/NewContainerSheet";
import { SecretSheets } from "../features/secrets/SecretSheets";
import { SshSheets } from "../features/ssh/SshSheets";
import { useApp } from "./app-state";
import { KeysSheet } from "./KeysSheet";
import { Palette } from "./Palette";

/** What lies over the window now; one at a time. */
export function Overlays() {
  const { overlay, show } = useApp();
  if (!overlay) return null;
  switch (overlay.kind) {
    case "create":
      return <NewContainerSheet source={overlay.source} key={overlay.source} />;
    case "job":
      return <JobSheet id={overlay.job} key={overlay.job} />;
    case "remove":
      return <RemoveSheet container={overlay.container} />;
    case "rebuild":
      return <RebuildSheet container={overlay.container} />;
    case "ssh":
      return <SshSheets sheet={overlay.sheet} />;
    case "secret":
      return <SecretSheets sheet={overlay.sheet} />;
    case "palette":
      return <Palette />;
    case "keys":
      return <KeysSheet />;
    case "problem":
      return (
        <Sheet title={overlay.title} onClose={() => show(null)}>
          <div className="px-5 pb-5">
            <ProblemView problem={overlay.problem} />
          </div>
        </Sheet>
      );
  }
}
