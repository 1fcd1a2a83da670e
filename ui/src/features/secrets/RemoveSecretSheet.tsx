import { useApp } from "../../app/app-state";
import { useChange } from "../../backend/cache";
import { EffectList } from "../../components/EffectList";
import { FormSheet } from "../../components/FormSheet";
import type { SecretInfo } from "../../generated/types";
import { text } from "../../text";

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
      <EffectList title={text.remove.goes} shape="failed">
        {[words.removeGoes]}
      </EffectList>
      <EffectList title={text.remove.stays} shape="done">
        {words.removeStays}
      </EffectList>
    </FormSheet>
  );
}
