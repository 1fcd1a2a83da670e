import { ExplainSheet } from "./ExplainSheet";
import { ExportAuthoritySheet } from "./ExportAuthoritySheet";
import { ImportAuthoritySheet } from "./ImportAuthoritySheet";
import { IssueSheet } from "./IssueSheet";
import { AddToAgentSheet, ExportKeySheet, RemoveKeySheet, RotateKeySheet } from "./KeyActs";
import { GenerateKeySheet, ImportKeySheet, KeyPassphraseSheet } from "./KeyForms";
import { PolicySheet } from "./PolicySheet";
import { RevokeSheet } from "./RevokeSheet";
import { BackSheet, StepSheet } from "./RotationSheet";
import type { SshSheet } from "./sheets";

/** The sheet of one act with keys, authorities or certificates. */
export function SshSheets({ sheet }: { sheet: SshSheet }) {
  switch (sheet.act) {
    case "rotate":
      return <StepSheet kind={sheet.authority} />;
    case "rollback":
      return <BackSheet kind={sheet.authority} />;
    case "importAuthority":
      return <ImportAuthoritySheet kind={sheet.authority} />;
    case "exportAuthority":
      return <ExportAuthoritySheet authority={sheet.authority} />;
    case "policy":
      return <PolicySheet authority={sheet.authority} />;
    case "issue":
      return <IssueSheet />;
    case "explain":
      return <ExplainSheet />;
    case "revoke":
      return <RevokeSheet certificate={sheet.certificate} />;
    case "generateKey":
      return <GenerateKeySheet />;
    case "importKey":
      return <ImportKeySheet />;
    case "exportKey":
      return <ExportKeySheet keyRecord={sheet.key} />;
    case "keyPassphrase":
      return <KeyPassphraseSheet keyRecord={sheet.key} />;
    case "rotateKey":
      return <RotateKeySheet keyRecord={sheet.key} />;
    case "removeKey":
      return <RemoveKeySheet keyRecord={sheet.key} />;
    case "addToAgent":
      return <AddToAgentSheet keyRecord={sheet.key} />;
  }
}
