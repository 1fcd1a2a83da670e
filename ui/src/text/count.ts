/** `1 line`, `2 lines`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString("en-GB").replaceAll(",", " ")} ${n === 1 ? one : many}`;
}
