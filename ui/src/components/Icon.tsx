import {
  Activity,
  ArrowUpDown,
  Box,
  Check,
  ChevronDown,
  ChevronsUpDown,
  ClipboardCopy,
  Copy,
  Ellipsis,
  File,
  Folder,
  Hammer,
  Key,
  Layers,
  ListFilter,
  Lock,
  Maximize2,
  Minimize2,
  Minus,
  Play,
  Plus,
  RefreshCw,
  Search,
  Server,
  Shield,
  ShieldCheck,
  SlidersHorizontal,
  Square,
  SquareTerminal,
  Terminal,
  Trash2,
  User,
  WrapText,
  X,
  Clock,
  type LucideIcon,
} from "lucide-react";

const icons = {
  activity: Activity,
  box: Box,
  check: Check,
  chevronDown: ChevronDown,
  clipboard: ClipboardCopy,
  clock: Clock,
  close: X,
  copy: Copy,
  file: File,
  filter: ListFilter,
  folder: Folder,
  image: Layers,
  key: Key,
  lock: Lock,
  maximize: Square,
  minimize: Minus,
  more: Ellipsis,
  narrow: Minimize2,
  play: Play,
  plus: Plus,
  rebuild: Hammer,
  restart: RefreshCw,
  search: Search,
  server: Server,
  settings: SlidersHorizontal,
  shield: Shield,
  shieldCheck: ShieldCheck,
  sort: ArrowUpDown,
  stop: Square,
  switch: ChevronsUpDown,
  terminal: Terminal,
  terminalBox: SquareTerminal,
  trash: Trash2,
  user: User,
  widen: Maximize2,
  wrap: WrapText,
} satisfies Record<string, LucideIcon>;

export type IconName = keyof typeof icons;

/** A line icon; decoration only, the name stands on the control. */
export function Icon({
  name,
  size = 16,
  className = "",
}: {
  name: IconName;
  size?: number;
  className?: string;
}) {
  const Drawing = icons[name];
  return (
    <Drawing
      size={size}
      strokeWidth={1.5}
      absoluteStrokeWidth
      aria-hidden="true"
      className={`flex-none ${className}`}
    />
  );
}
