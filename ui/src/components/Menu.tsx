import * as Dropdown from "@radix-ui/react-dropdown-menu";
import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";
import { Keys } from "./Keys";

export interface MenuEntry {
  label: string;
  icon?: IconName;
  keys?: string[];
  danger?: boolean;
  disabled?: boolean;
  /** Shows a tick before it. */
  chosen?: boolean;
  aside?: ReactNode;
  act: () => void;
}

/** A menu of acts under its trigger. Groups are set apart by a line. */
export function Menu({
  trigger,
  groups,
  align = "end",
  open,
  onOpenChange,
}: {
  trigger: ReactNode;
  groups: MenuEntry[][];
  align?: "start" | "end";
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
}) {
  return (
    <Dropdown.Root
      modal={false}
      {...(open === undefined ? {} : { open })}
      {...(onOpenChange ? { onOpenChange } : {})}
    >
      <Dropdown.Trigger asChild>{trigger}</Dropdown.Trigger>
      <Dropdown.Portal>
        <Dropdown.Content className="menu" align={align} sideOffset={4} collisionPadding={8}>
          {groups.map((entries, index) => (
            <Dropdown.Group key={entries[0]?.label ?? index}>
              {index > 0 && <Dropdown.Separator className="mx-2 my-1 h-px bg-line" />}
              {entries.map((entry) => (
                <Dropdown.Item
                  key={entry.label}
                  className={`menu-item ${entry.danger ? "text-bad-text" : ""}`}
                  disabled={entry.disabled ?? false}
                  onSelect={entry.act}
                >
                  {entry.chosen !== undefined &&
                    (entry.chosen ? <Icon name="check" size={14} /> : <span className="w-3.5" />)}
                  {entry.icon && <Icon name={entry.icon} />}
                  <span className="flex-1 truncate">{entry.label}</span>
                  {entry.aside && <span className="text-small text-3">{entry.aside}</span>}
                  {entry.keys && <Keys keys={entry.keys} />}
                </Dropdown.Item>
              ))}
            </Dropdown.Group>
          ))}
        </Dropdown.Content>
      </Dropdown.Portal>
    </Dropdown.Root>
  );
}
