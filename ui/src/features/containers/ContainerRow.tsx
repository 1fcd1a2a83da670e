import { useState } from "react";
import { runs, sshLine, type ContainerActions } from "../../app/actions";
import { Icon } from "../../components/Icon";
import { IconButton } from "../../components/IconButton";
import { Menu } from "../../components/Menu";
import { shape, stateText, StatusGlyph } from "../../components/StatusGlyph";
import { ago, exact, shortImage } from "../../format";
import type { Container } from "../../generated/types";
import { text } from "../../text";

interface Props {
  container: Container;
  /** Its host does not answer: what is shown is what was known last. */
  asleep: boolean;
  /** Only name and time. */
  narrow: boolean;
  now: number;
  selected: boolean;
  /** The one row that Tab reaches; arrows move from there. */
  focusable: boolean;
  actions: ContainerActions;
  onFocus: () => void;
}

/** One container, 36 px. Hover and focus show its acts over the last columns. */
export function ContainerRow(props: Props) {
  const { container, asleep, narrow, now, selected, focusable, actions, onFocus } = props;
  const [menu, setMenu] = useState(false);
  const state = asleep ? "unknown" : container.state;
  return (
    <div
      role="row"
      data-row={container.id}
      data-name={container.name}
      data-state={state}
      aria-selected={selected}
      aria-label={`${container.name}, ${text.state[state]}`}
      tabIndex={focusable ? 0 : -1}
      className={`row group ${narrow ? "" : "gap-3"} ${asleep ? "text-3" : ""}`}
      onClick={() => actions.open(container)}
      onDoubleClick={() => runs(container) && actions.terminal(container)}
      onFocus={onFocus}
      onKeyDown={(event) => {
        if (event.key === ".") setMenu(true);
      }}
      onContextMenu={(event) => {
        event.preventDefault();
        setMenu(true);
      }}
    >
      <span role="gridcell" className="flex flex-none">
        <StatusGlyph shape={shape.container(state)} />
      </span>
      <span
        role="gridcell"
        className={`flex min-w-0 items-center gap-2 ${narrow ? "flex-1" : "-ml-1 min-w-40 flex-1"}`}
      >
        <span className="truncate font-medium" title={container.title}>
          {container.name}
        </span>
        {!narrow && !container.workspaceExists && container.workspace && (
          <span className="badge bg-warn-bg text-warn-text">{text.containers.folderGone}</span>
        )}
      </span>
      {!narrow && (
        <>
          <span role="gridcell" className={`w-20 flex-none ${asleep ? "" : stateText[state]}`}>
            {text.state[state]}
          </span>
          <span
            role="gridcell"
            className="mono min-w-32 flex-[1.2] truncate text-2 max-row:hidden"
            title={container.image}
          >
            {shortImage(container.image)}
          </span>
          <span
            role="gridcell"
            className="mono quiet w-24 flex-none truncate text-2 max-wide:hidden"
          >
            {container.ports
              .filter((port) => port.hostPort !== null)
              .map((port) => `:${port.hostPort}`)
              .join(" ")}
          </span>
        </>
      )}
      <span
        role="gridcell"
        className="quiet w-14 flex-none text-right text-small text-3"
        title={exact(container.createdAt)}
      >
        {ago(container.createdAt, now)}
      </span>
      {!narrow && (
        <RowActions container={container} actions={actions} menu={menu} setMenu={setMenu} />
      )}
    </div>
  );
}

function RowActions({
  container,
  actions,
  menu,
  setMenu,
}: {
  container: Container;
  actions: ContainerActions;
  menu: boolean;
  setMenu: (open: boolean) => void;
}) {
  const running = runs(container);
  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/interactive-supports-focus -- only keeps the pointer's acts from the row; keys act on the row itself
    <span
      role="gridcell"
      // Acts of the row are no clicks on the row.
      onClick={(event) => event.stopPropagation()}
      onDoubleClick={(event) => event.stopPropagation()}
      className={`absolute inset-y-0 right-0 items-center gap-0.5 bg-hover pr-3 pl-4 group-hover:flex group-aria-selected:bg-selected ${
        menu ? "flex" : "hidden"
      }`}
    >
      {running && (
        <IconButton
          icon="terminal"
          label={text.containers.terminal}
          keys={["T"]}
          tabIndex={-1}
          onClick={() => actions.terminal(container)}
        />
      )}
      <IconButton
        icon="copy"
        label={`${text.containers.copySsh}: ${sshLine(container)}`}
        keys={["C"]}
        tabIndex={-1}
        onClick={() => actions.copySsh(container)}
      />
      <IconButton
        icon={running ? "stop" : "play"}
        iconSize={running ? 13 : 16}
        label={running ? text.containers.stop : text.containers.start}
        keys={["S"]}
        tabIndex={-1}
        onClick={() => actions.toggle(container)}
      />
      <ContainerMenu container={container} actions={actions} open={menu} onOpenChange={setMenu} />
    </span>
  );
}

/** Everything that can be done to a container. */
export function ContainerMenu({
  container,
  actions,
  open,
  onOpenChange,
  framed = false,
}: {
  container: Container;
  actions: ContainerActions;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
  framed?: boolean;
}) {
  const running = runs(container);
  return (
    <Menu
      {...(open === undefined ? {} : { open })}
      {...(onOpenChange ? { onOpenChange } : {})}
      trigger={
        <button
          type="button"
          aria-label={text.containers.actions(container.name)}
          tabIndex={framed ? 0 : -1}
          className={`icon-btn ${framed ? "icon-btn-framed" : ""}`}
        >
          <Icon name="more" />
        </button>
      }
      groups={[
        [
          {
            label: text.containers.terminal,
            icon: "terminal",
            keys: ["T"],
            disabled: !running,
            act: () => actions.terminal(container),
          },
          {
            label: text.containers.copySsh,
            icon: "copy",
            keys: ["C"],
            act: () => actions.copySsh(container),
          },
        ],
        [
          {
            label: running ? text.containers.stop : text.containers.start,
            icon: running ? "stop" : "play",
            keys: ["S"],
            act: () => actions.toggle(container),
          },
          {
            label: text.containers.restart,
            icon: "restart",
            keys: ["R"],
            act: () => actions.restart(container),
          },
          {
            label: text.containers.rebuild,
            icon: "rebuild",
            keys: ["Ctrl", "R"],
            act: () => actions.rebuild(container),
          },
        ],
        [
          {
            label: text.containers.remove,
            icon: "trash",
            keys: ["Del"],
            danger: true,
            act: () => actions.remove(container),
          },
        ],
      ]}
    />
  );
}
