import * as Tooltip from "@radix-ui/react-tooltip";
import type { ComponentProps, ReactNode } from "react";
import { Icon, type IconName } from "./Icon";
import { Keys } from "./Keys";

interface Props extends Omit<ComponentProps<"button">, "children"> {
  icon: IconName;
  /** What it does: its name for screen readers and its tooltip. */
  label: string;
  /** The key that does the same. */
  keys?: string[];
  framed?: boolean;
  small?: boolean;
  iconSize?: number;
}

/** A button that is only an icon. It always has a name. */
export function IconButton({
  icon,
  label,
  keys,
  framed,
  small,
  iconSize = 16,
  className = "",
  ...rest
}: Props) {
  const classes = [
    "icon-btn",
    framed ? "icon-btn-framed" : "",
    small ? "icon-btn-small" : "",
    className,
  ];
  return (
    <Tip label={label} keys={keys}>
      <button type="button" aria-label={label} className={classes.join(" ")} {...rest}>
        <Icon name={icon} size={iconSize} />
      </button>
    </Tip>
  );
}

/** Names what it wraps, with its key. */
export function Tip({
  label,
  keys,
  children,
}: {
  label: string;
  keys?: string[] | undefined;
  children: ReactNode;
}) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          sideOffset={6}
          collisionPadding={8}
          className="z-70 flex items-center gap-2 rounded-control bg-raised px-2 py-1 text-small text-1 shadow-(--sh-menu)"
        >
          {label}
          {keys && <Keys keys={keys} />}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  );
}
