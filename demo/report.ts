// What the demo says about its calls. Everything here is a pure function of what was measured.

/** The part of a cache event that the report reads. */
export interface ObservedEvent {
  readonly type: string
  readonly name?: string | null | undefined
  readonly tier?: string | undefined
  readonly ms?: number | undefined
  readonly bytes?: number | undefined
  readonly savedMs?: number | undefined
}

/** One call as it was seen: how long it took from outside, and what the cache said while it ran. */
export interface Observation {
  readonly call: string
  readonly ms: number
  readonly events: readonly ObservedEvent[]
}

export interface Row {
  readonly call: string
  readonly from: 'function ran' | 'memory' | 'file system'
  readonly result: 'miss' | 'hit'
  readonly ms: number
  readonly bytes: number | undefined
  /** What the function costs: measured now if it ran, remembered by the entry if it did not. */
  readonly functionMs: number
}

/**
 * An entry that comes from storage is a miss of the memory first, so a call counts as a miss only if its function ran.
 * `later` holds the events that came after the call had its answer: an entry is stored in the background.
 */
export function rowOf({ call, ms, events }: Observation, later: readonly ObservedEvent[] = []): Row {
  const hit = events.find((event) => event.type === 'hit' || event.type === 'stale')
  if (hit) {
    const from = hit.tier === 'memory' ? 'memory' : 'file system'
    return { call, from, result: 'hit', ms, bytes: hit.bytes, functionMs: hit.savedMs ?? 0 }
  }
  const computed = events.find((event) => event.type === 'computed')
  const stored = [...events, ...later].find((event) => event.type === 'stored' && event.name === computed?.name)
  return { call, from: 'function ran', result: 'miss', ms, bytes: stored?.bytes, functionMs: computed?.ms ?? ms }
}

export function savedMs(row: Row): number {
  return row.result === 'hit' ? Math.max(0, row.functionMs - row.ms) : 0
}

const columns = ['call', 'answer from', 'result', 'time', 'bytes', 'saved'] as const
const FIRST_NUMERIC_COLUMN = 3

/** The rows as lines of equal width: text to the left, numbers to the right. */
export function formatTable(rows: readonly Row[]): string[] {
  const cells = rows.map((row) => [
    row.call,
    row.from,
    row.result,
    formatMs(row.ms),
    row.bytes === undefined ? '-' : formatBytes(row.bytes),
    row.result === 'hit' ? formatMs(savedMs(row)) : '-',
  ])
  const widths = columns.map((title, column) => Math.max(title.length, ...cells.map((line) => line[column]!.length)))
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, column) => (column < FIRST_NUMERIC_COLUMN ? text.padEnd(widths[column]!) : text.padStart(widths[column]!)))
      .join('   ')
  return [line(columns), widths.map((width) => '─'.repeat(width)).join('───'), ...cells.map(line)]
}

export function formatTotals(rows: readonly Row[]): string {
  const withMs = rows.reduce((sum, row) => sum + row.ms, 0)
  const withoutMs = rows.reduce((sum, row) => sum + (row.result === 'hit' ? row.functionMs : row.ms), 0)
  const times = withMs > 0 ? withoutMs / withMs : 1
  const factor = times >= 10 ? times.toFixed(0) : times.toFixed(1)
  return `${rows.length} calls: ${formatMs(withoutMs)} without the cache, ${formatMs(withMs)} with it (${factor} times as fast).`
}

export function formatMs(ms: number): string {
  if (ms < 10) return `${ms.toFixed(2)} ms`
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(2)} s`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1e6 ? `${(bytes / 1000).toFixed(bytes < 1e4 ? 1 : 0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** Breaks a text into lines at spaces. A word that is longer than a line is cut off. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.trim().split(/\s+/)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (longer.length <= width) {
      line = longer
      continue
    }
    if (line !== '') lines.push(line)
    line = word.slice(0, width)
  }
  return line === '' ? lines : [...lines, line]
}

/** The first lines of a text, and a sign if there is more. */
export function firstLines(text: string, width: number, count: number): string[] {
  const lines = wrapped(text, width)
  if (lines.length <= count) return lines
  const [last] = wrapped(lines[count - 1]!, width - 2)
  return [...lines.slice(0, count - 1), `${last} …`]
}
