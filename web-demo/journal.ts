/** The calls of this page: what each looked like from outside, and what the cache said about it meanwhile. */
import type { CacheEvent } from 'reprise'
import { type Row, rowOf } from '../demo/report.js'

export interface Outcome<T> {
  readonly value: T
  readonly row: Row
  readonly events: readonly CacheEvent[]
}

export class Journal {
  readonly #rows: Row[] = []
  readonly #open = new Set<{ name: string; events: CacheEvent[] }>()

  /** Oldest first. */
  get rows(): readonly Row[] {
    return this.#rows
  }

  /** To be told of everything that the cache says. */
  note(event: CacheEvent): void {
    // The two calls of the page may run side by side; their names tell their events apart.
    for (const call of this.#open) if ('name' in event && event.name === call.name) call.events.push(event)
  }

  /** Runs a call and writes it down, unless it throws. */
  async observe<T>(name: string, answer: () => Promise<T>): Promise<Outcome<T>> {
    const call = { name, events: [] as CacheEvent[] }
    this.#open.add(call)
    try {
      const start = performance.now()
      const value = await answer()
      const ms = performance.now() - start
      const row = rowOf({ call: name, ms, events: call.events })
      this.#rows.push(row)
      return { value, row, events: call.events }
    } finally {
      this.#open.delete(call)
    }
  }
}
