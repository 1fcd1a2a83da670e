import { ViewHead } from "../../components/ViewHead";
import { text } from "../../text";
import { EventTable } from "./EventTable";

/** Everything that was done through the launcher. */
export function ActivityView() {
  return (
    <section aria-label={text.events.title} className="flex min-h-0 min-w-0 flex-1 flex-col">
      <ViewHead title={text.events.title} />
      <div className="min-h-0 flex-1 border-t border-line">
        <EventTable />
      </div>
    </section>
  );
}
