/** As a `ref`: the element takes the focus when it appears. One function, so that it runs once and not on each render. */
export function takeFocus(element: HTMLElement | null): void {
  element?.focus();
}
