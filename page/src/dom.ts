// Elements without markup: whatever a device sends can only become text.

type Child = Node | string | null | undefined | false;

interface Attributes {
  class?: string;
  text?: string;
  on?: Partial<{ [Name in keyof HTMLElementEventMap]: (event: HTMLElementEventMap[Name]) => void }>;
  [attribute: string]: unknown;
}

/** Makes an element. Attributes that are `false` or `undefined` are left out; `true` is an empty one. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "text") element.textContent = String(value);
    else if (name === "on") {
      for (const [event, listener] of Object.entries(value as Record<string, EventListener>)) {
        element.addEventListener(event, listener);
      }
    } else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(element: Element, children: Child[]): void {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

/** Puts other children in the place of those there are. */
export function fill(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** Sets a text if it is another one: an element that is not touched is not laid out again. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets or removes an attribute if that changes anything. */
export function setAttribute(element: Element, name: string, value: string | null): void {
  if (element.getAttribute(name) === value) return;
  if (value === null) element.removeAttribute(name);
  else element.setAttribute(name, value);
}

let named = 0;

/** An id that no other element has. */
export function newId(): string {
  named += 1;
  return `e${named}`;
}

/** A part of the page that follows the store. */
export interface View {
  readonly element: HTMLElement;
  /** Called at most once a frame, when something has changed. */
  update(): void;
  /** Called when it has left the page. */
  dispose?(): void;
}
