import { RecoveryKeySheet } from "./RecoveryKeySheet";
import { RemoveSecretSheet } from "./RemoveSecretSheet";
import { SetSecretSheet } from "./SetSecretSheet";
import type { SecretSheet } from "./sheets";
import { UnlockSheet } from "./UnlockSheet";
import { WaySheet } from "./WaySheet";

/** The sheet of one act with secrets or the vault. */
export function SecretSheets({ sheet }: { sheet: SecretSheet }) {
  switch (sheet.act) {
    case "set":
      return (
        <SetSecretSheet
          secret={sheet.secret}
          name={sheet.name ?? ""}
          container={sheet.container ?? null}
        />
      );
    case "remove":
      return <RemoveSecretSheet secret={sheet.secret} />;
    case "addWay":
      return <WaySheet way={sheet.way} adds />;
    case "removeWay":
      return <WaySheet way={sheet.way} />;
    case "recoveryKey":
      return <RecoveryKeySheet />;
    case "unlock":
      return <UnlockSheet />;
  }
}
