import { useRead } from "../backend/cache";
import { useDesktop } from "../backend/context";
import { Icon } from "../components/Icon";
import { IconButton } from "../components/IconButton";
import { Keys } from "../components/Keys";
import { Menu } from "../components/Menu";
import { text } from "../text";
import { useApp } from "./app-state";
import { hostTitle } from "./hosts";
import { JobsIndicator } from "./JobsIndicator";

/** Host switcher, search, running jobs, and the window's own buttons. Dragging it moves the window. */
export function TitleBar() {
  const { show } = useApp();
  const desktop = useDesktop();
  return (
    <div
      className="relative flex h-10 flex-none items-center pr-1 pl-4"
      data-tauri-drag-region
      data-testid="title-bar"
    >
      <HostSwitcher />
      <button
        type="button"
        className="field absolute left-1/2 flex w-[400px] max-w-[36vw] -translate-x-1/2 items-center gap-2 pr-1.5! text-3 hover:bg-hover max-row:hidden"
        onClick={() => show({ kind: "palette" })}
      >
        <Icon name="search" />
        <span className="flex-1 truncate text-left">{text.shell.search}</span>
        <Keys keys={["Ctrl", "K"]} />
      </button>
      <div className="ml-auto flex items-center gap-2">
        <JobsIndicator />
        {desktop && (
          <div className="flex">
            <IconButton
              icon="minimize"
              label={text.shell.minimize}
              onClick={desktop.minimize}
              className="w-9!"
            />
            <IconButton
              icon="maximize"
              iconSize={13}
              label={text.shell.maximize}
              onClick={desktop.toggleMaximize}
              className="w-9!"
            />
            <IconButton
              icon="close"
              label={text.shell.closeWindow}
              onClick={desktop.close}
              className="w-9!"
            />
          </div>
        )}
      </div>
    </div>
  );
}

function HostSwitcher() {
  const { place, go } = useApp();
  const { data } = useRead("list_hosts", {});
  const hosts = data?.hosts ?? [];
  const answering = hosts.filter((host) => host.state === "ready").length;
  const title = place.host ? hostTitle(place.host, hosts) : text.shell.allHosts;
  return (
    <Menu
      align="start"
      trigger={
        <button
          type="button"
          aria-label={`${text.shell.chooseHost}: ${title}`}
          className="-ml-2 flex h-7 items-center gap-2 rounded-control px-2 font-medium hover:bg-press"
        >
          <Icon name="server" />
          <span className="max-w-32 truncate">{title}</span>
          {hosts.length > 0 && (
            <span className="ml-2 font-normal text-3">
              {text.common.of(answering, hosts.length)}
            </span>
          )}
          <Icon name="switch" size={14} className="text-3" />
        </button>
      }
      groups={[
        [
          {
            label: text.shell.allHosts,
            chosen: place.host === null,
            act: () => go({ host: null }),
          },
        ],
        hosts.map((host) => ({
          label: hostTitle(host),
          chosen: place.host === host.name,
          aside: host.state === "ready" ? host.engine : text.hostState[host.state],
          act: () => go({ host: host.name, view: "containers" }),
        })),
      ].filter((group) => group.length > 0)}
    />
  );
}
