import type { Container } from "../../generated/types";
import { text } from "../../text";

/** A filter as typed, taken apart: words of one kind widen, words of different kinds narrow. */
export interface Filter {
  state: string[];
  image: string[];
  host: string[];
  text: string[];
}

const KINDS = ["state", "image", "host"] as const;

/** Reads `state:running image:rust api`. An unknown `word:` is looked for as text. */
export function parseFilter(input: string): Filter {
  const filter: Filter = { state: [], image: [], host: [], text: [] };
  for (const word of input.toLowerCase().split(/\s+/).filter(Boolean)) {
    const kind = KINDS.find((kind) => word.startsWith(`${kind}:`));
    const value = kind ? word.slice(kind.length + 1) : word;
    if (value) filter[kind ?? "text"].push(value);
  }
  return filter;
}

/** True when the container fits. */
export function fits(container: Container, filter: Filter): boolean {
  const word = text.state[container.state].toLowerCase();
  return (
    any(filter.state, (v) => container.state.startsWith(v) || word.startsWith(v)) &&
    any(filter.image, (v) => container.image.toLowerCase().includes(v)) &&
    any(filter.host, (v) => container.host.toLowerCase().includes(v)) &&
    filter.text.every((v) =>
      [container.name, container.title, container.workspace ?? "", container.image].some((field) =>
        field.toLowerCase().includes(v),
      ),
    )
  );
}

function any(values: string[], fit: (value: string) => boolean): boolean {
  return values.length === 0 || values.some(fit);
}

/** The filter in words: `state running, images with “rust”`. */
export function inWords(filter: Filter): string {
  const words = text.containers.filterWords;
  return [
    ...filter.state.map(words.state),
    ...filter.image.map(words.image),
    ...filter.host.map(words.host),
    ...filter.text.map(words.text),
  ].join(words.and);
}
