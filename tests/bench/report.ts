/**
 * What a bench prints: a block for each row with every contestant, then one line for each row. Or JSON, in the one
 * form that all benches of this project have:
 *
 *   {"rows":[{"id","what","unit","ours","best","peer","ratio","all":{peer: value}}]}
 *
 * Where nobody does what ours does, best, peer and ratio are null. All values there are those of the fastest slices; `ratio` is best / ours, so above 1 we are ahead.
 */
import { compare, hasPeer, type Result, type Timed } from './harness.js'

export interface JsonRow {
  id: string
  what: string
  unit: string
  ours: number
  best: number | null
  peer: string | null
  ratio: number | null
  all: Record<string, number>
}

export function jsonReport(results: readonly Result[]): { rows: JsonRow[] } {
  return { rows: results.map(jsonRow) }
}

function jsonRow(result: Result): JsonRow {
  const { id, what, unit, timed } = result
  const all = Object.fromEntries(timed.slice(1).map(({ name, timing }) => [name, digits(timing.min)]))
  if (!hasPeer(result)) return { id, what, unit, ours: digits(timed[0]!.timing.min), best: null, peer: null, ratio: null, all }
  const { ours, best, ratio } = compare(result, 'min')
  return { id, what, unit, ours: digits(ours.timing.min), best: digits(best.timing.min), peer: best.name, ratio: digits(ratio), all }
}

/** Four digits that count: more of them would be noise. */
function digits(value: number): number {
  return Number(value.toPrecision(4))
}

export function textReport(results: readonly Result[]): string {
  return [...results.map(block), summary(results)].join('\n')
}

/** One row with all its contestants; at the end of each line, how many times as long as ours. */
function block({ id, what, unit, timed, asked }: Result): string {
  const ours = timed[0]!.timing
  const lines = timed.map((one) => {
    const { min, median } = one.timing
    return `  ${label(one).padEnd(60)}${show(min, unit)}${show(median, unit)}${times(min / ours.min)}${times(median / ours.median)}`
  })
  const notes = timed.filter(({ aside }) => aside !== undefined).map(({ name, aside }) => `  * ${name}: ${aside}.`)
  const verdict = asked === undefined ? '' : `  asked: at most ${show(asked, unit).trim()}; measured: ${show(ours.min, unit).trim()} in the fastest, ${show(ours.median, unit).trim()} in the median${ours.median > asked ? ' <' : ''}`
  return [`${id}: ${what}`, `${' '.repeat(62)}${head('fastest', 'median', '/ ours', '/ ours')}`, ...lines, ...notes, ...(verdict === '' ? [] : [verdict]), ''].join('\n')
}

function label({ name, version, aside }: Timed): string {
  return `${name}${version === '' ? '' : ` (${version})`}${aside === undefined ? '' : ' *'}`
}

function summary(results: readonly Result[]): string {
  const lines = results.map((result) => {
    if (!hasPeer(result)) return `${result.id.padEnd(33)}${show(result.timed[0]!.timing.min, result.unit)}   (nobody else does it)`
    const { ours, best, ratio } = compare(result, 'min')
    const values = `${show(ours.timing.min, result.unit)}${show(best.timing.min, result.unit)}`
    return `${result.id.padEnd(33)}${values}${times(ratio)}${times(compare(result, 'median').ratio)}${ratio < 1 ? ' < ' : '   '}${best.name}`
  })
  return [
    `${'all rows'.padEnd(33)}${head('ours', 'best', 'ratio', 'median')}   best peer`,
    ...lines,
    '',
    'ours, best: one call in its fastest slice. ratio: best / ours by the fastest slices (this one is',
    'in the JSON); median: the same by the medians. Above 1 we are faster; "<" marks where we are not,',
    'and where the median is above what was asked.',
    '',
  ].join('\n')
}

function head(a: string, b: string, c: string, d: string): string {
  return `${a.padStart(9)}${b.padStart(9)}${c.padStart(8)}${d.padStart(8)}`
}

function times(ratio: number): string {
  return `${ratio.toFixed(ratio < 100 ? 2 : 0)}x`.padStart(8)
}

function show(value: number, unit: string): string {
  return (unit === 'ns' ? duration(value) : `${threeDigits(value)} ${unit}`).padStart(9)
}

/** 71.0 ns, 3.25 us, 1.23 ms. */
export function duration(ns: number): string {
  if (ns < 999.5) return `${threeDigits(ns)} ns`
  return ns < 999_500 ? `${threeDigits(ns / 1e3)} us` : `${threeDigits(ns / 1e6)} ms`
}

function threeDigits(value: number): string {
  return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)
}
