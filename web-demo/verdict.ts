/** One plain line about a call: where its answer came from, how long that took, and what it saved. */
import type { CacheEvent } from 'reprise'
import { formatMs, type Row, savedMs } from '../demo/report.js'

export type Source = 'computed' | 'memory' | 'IndexedDB'

export interface Verdict {
  readonly source: Source
  /** Where the answer came from, in a word or two. */
  readonly headline: string
  readonly details: string
}

export function sourceOf(row: Row): Source {
  if (row.from === 'function ran') return 'computed'
  return row.from === 'memory' ? 'memory' : 'IndexedDB'
}

export function verdictOf(row: Row, events: readonly CacheEvent[]): Verdict {
  const source = sourceOf(row)
  if (source === 'computed') {
    return { source, headline: 'Computed', details: `in ${timeOf(row.ms)}${afterRefusal(events)}. ${fateOf(row, events)}` }
  }
  const saved = savedMs(row) > 0 ? formatMs(savedMs(row)) : 'nothing'
  return {
    source,
    headline: `From ${source}`,
    details: `in ${timeOf(row.ms)}. Computing it took ${formatMs(row.functionMs)}, so this saved ${saved}.`,
  }
}

/** Browsers round their clocks, so a hit may take no time at all. */
export function timeOf(ms: number): string {
  return ms > 0 ? formatMs(ms) : 'less than 0.1 ms'
}

function afterRefusal(events: readonly CacheEvent[]): string {
  const refused = events.find((event) => event.type === 'refused')
  return refused ? `, because what IndexedDB held could not be used (${refused.reason})` : ''
}

function fateOf({ bytes }: Row, events: readonly CacheEvent[]): string {
  if (bytes !== undefined) return 'It is kept now: the next call gets it at once.'
  const refused = events.find((event) => event.type === 'not-stored')
  if (refused?.reason === 'invalidated') return 'It is not kept, as everything was to be forgotten while it was made.'
  return `It is not kept${refused ? ` (${refused.reason})` : ''}: the next call computes it again.`
}
