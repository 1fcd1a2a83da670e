import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { FormSheet } from "../../components/FormSheet";
import type { SecretInfo } from "../../generated/types";
import { text } from "../../text";
import { List } from "../containers/RemoveSheet";

/** Names what goes and what stays before a secret is removed. */
export function RemoveSecretSheet({ secret }: { secret: SecretInfo }) {
  const { show } = useApp();
  const remove = useChange("remove_secret");
  const words = text.secrets;
  return (
    <FormSheet
      title={words.removeTitle(secret.name)}
      width={520}
      act={words.removeAct}
      danger
      pending={remove.isPending}
      error={remove.error}
      onAct={() =>
        remove.mutate(
          { name: secret.name, container: secret.source },
          { onSuccess: () => show(null) },
        )
      }
      onClose={() => show(null)}
    >
      <List title={text.remove.goes} shape="failed">
        {[words.removeGoes]}
      </List>
      <List title={text.remove.stays} shape="done">
        {[...words.removeStays]}
      </List>
    </FormSheet>
  );
}
