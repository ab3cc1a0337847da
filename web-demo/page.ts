/** The elements of index.html, and small things to do with them. */

/** The one element that matches; it is part of the page, so its absence is a slip of ours. */
export function element<E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E {
  const found = within.querySelector<E>(selector)
  if (found === null) throw new Error(`index.html has no ${selector}.`)
  return found
}

/** A new element with what is in it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
