/** What the stories ask of a browser; chromium.ts, firefox.ts and webkit.ts have it. */

export interface Browser {
  readonly version: string
  /** A name of this machine which pages do not trust without https, as they trust 127.0.0.1. */
  readonly untrustedHost: string
  /** A tab of its own, whose page has loaded. All tabs share one profile, which ends with the browser. */
  open(url: string): Promise<Tab>
  /** May be called twice. */
  close(): Promise<void>
}

export interface Tab {
  /** Calls the function in the page, where it knows what is there only, and waits for what it promises. What goes in and comes back is JSON. */
  run<Args extends readonly unknown[], Result>(work: (...args: Args) => Result, ...args: Args): Promise<Awaited<Result>>
  reload(): Promise<void>
  close(): Promise<void>
}

/** A browser that nobody drives, over a profile that stays. */
export type Visit = (url: string, profile: string) => Promise<{ end(): Promise<void> }>

/** A call as an expression. */
export function callOf(work: (...args: never[]) => unknown, args: readonly unknown[]): string {
  return `(${work})(${args.map(argument => JSON.stringify(argument)).join(', ')})`
}

/** Looks every now and then until it is so. */
export async function until<Args extends readonly unknown[]>(tab: Tab, work: (...args: Args) => unknown, ...args: Args): Promise<void> {
  const end = Date.now() + 30_000
  while (!(await tab.run(work, ...args))) {
    if (Date.now() > end) throw new Error(`It did not come to this within 30 seconds: ${work}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}
