/**
 * `npm run bench -- eviction`: what is saved by what is kept. Recorded requests are replayed against the core (reprise-sim),
 * in caches of 0.1, 1 and 10 % of each trace's footprint, under the policy that ships (asg) and under others.
 *
 *   eviction/cost      mean over all cells of the cost that was not saved, in percent
 *   eviction/request   of requests that were not answered, sizes as they are
 *   eviction/unit      of requests that were not answered, every size 1
 *   eviction/worst     the most that a policy loses to LRU in any cell of 1,000 entries or more, in percentage points
 *
 * The traces are not part of the project. They are looked for in ../shared/traces beside it, or where
 * REPRISE_TRACES says. Replays are not timed, so a busy machine does no harm here.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { JsonRow } from './report.js'

interface SimRow {
  readonly trace: string
  readonly objective: Objective
  readonly cache: string
  readonly policy: Policy
  readonly capacityBytes: number
  readonly requestMissRatio: number
  readonly costMissRatio: number
  readonly entries: number
  readonly metadataBytesPerEntry: number
}

type Objective = 'cost' | 'requests' | 'unit'
type Policy = 'asg' | 'lru' | 's3fifo' | 'wtinylfu'

/** One trace in one cache under one objective: what each policy missed, in percent. */
interface Cell {
  readonly name: string
  readonly objective: Objective
  /** That ASG held at once. */
  readonly entries: number
  readonly bytesPerEntry: number
  readonly missed: Readonly<Record<Policy, number>>
}

const policies: readonly Policy[] = ['asg', 'lru', 's3fifo', 'wtinylfu']
const peers = ['lru', 's3fifo', 'wtinylfu'] as const
const objectives = { cost: 'cost', requests: 'request', unit: 'unit' } as const
const what = {
  cost: 'mean cost that was not saved; sizes and costs as they are',
  requests: 'mean of requests not answered; sizes as they are, every miss costs 1',
  unit: 'mean of requests not answered; every size and cost is 1',
} as const

/** With fewer entries of middling size than that, chance decides. */
const leastEntries = 8
const largeCell = 1000
/** Of --quick. */
const smallTraceBytes = 250_000

const simulator = 'build/native/reprise-sim'

function traceFiles(quick: boolean): string[] {
  const folder = resolve(process.env['REPRISE_TRACES'] ?? '../shared/traces', 'dev')
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter(name => name.endsWith('.ctr.gz')).sort().map(name => join(folder, name))
  return quick ? files.filter(file => statSync(file).size < smallTraceBytes) : files
}

function simulate(file: string): SimRow[] {
  const args = ['--json', '--policy', policies.join(), '--objective', Object.keys(objectives).join(), file]
  const { status, stdout, stderr, error } = spawnSync(simulator, args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`${simulator} ${args.join(' ')}\n${error?.message ?? stderr}`)
  return (JSON.parse(stdout) as { rows: SimRow[] }).rows
}

function cellsOf(rows: readonly SimRow[]): Cell[] {
  const unit = new Map(rows.filter(row => row.objective === 'unit').map(row => [row.cache, row.capacityBytes]))
  return rows
    .filter(row => row.policy === 'asg' && (unit.get(row.cache) ?? 0) >= leastEntries)
    .map(({ trace, cache, objective, entries, metadataBytesPerEntry }) => {
      const missed = (policy: Policy): number => {
        const row = rows.find(other => other.objective === objective && other.cache === cache && other.policy === policy)!
        return 100 * (objective === 'cost' ? row.costMissRatio : row.requestMissRatio)
      }
      return {
        name: `${trace}@${cache}`,
        objective,
        entries,
        bytesPerEntry: metadataBytesPerEntry,
        missed: { asg: missed('asg'), lru: missed('lru'), s3fifo: missed('s3fifo'), wtinylfu: missed('wtinylfu') },
      }
    })
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const rounded = (value: number): number => Number(value.toPrecision(4))

function meanRow(objective: Objective, all: readonly Cell[]): JsonRow {
  const cells = all.filter(cell => cell.objective === objective)
  const of = (policy: Policy): number => mean(cells.map(cell => cell.missed[policy]))
  return jsonRow(`eviction/${objectives[objective]}`, `${what[objective]}; ${cells.length} cells`, '%', of)
}

function worstRow(all: readonly Cell[]): JsonRow {
  const large = all.filter(cell => cell.entries >= largeCell)
  const loss = (policy: Policy, cell: Cell): number => cell.missed[policy] - cell.missed.lru
  const worst = large.reduce((a, b) => (loss('asg', b) > loss('asg', a) ? b : a))
  const of = (policy: Policy): number => Math.max(0, ...large.map(cell => loss(policy, cell)))
  const row = `the most lost to LRU in a cell of ${largeCell} entries or more; ours in ${worst.name}, ${worst.objective}`
  return jsonRow('eviction/worst', row, 'points', of, ['s3fifo', 'wtinylfu'])
}

/** Less is better everywhere, so a ratio is best / ours; what is nearly nothing counts as a hundredth. */
function jsonRow(id: string, text: string, unit: string, of: (policy: Policy) => number, contenders: readonly Policy[] = peers): JsonRow {
  const values = contenders.map(policy => [policy, of(policy)] as const)
  const [peer, best] = values.reduce((a, b) => (b[1] < a[1] ? b : a))
  const ours = of('asg')
  const ratio = Math.max(best, 0.01) / Math.max(ours, 0.01)
  const all = Object.fromEntries(values.map(([name, value]) => [name, rounded(value)]))
  return { id, what: text, unit, ours: rounded(ours), best: rounded(best), peer, ratio: rounded(ratio), all }
}

function table(cells: readonly Cell[]): string {
  const head = `${'% missed'.padEnd(34)}${policies.map(policy => policy.padStart(10)).join('')}${'to LRU'.padStart(10)}${'entries'.padStart(10)}${'B/entry'.padStart(10)}`
  const line = ({ name, missed, entries, bytesPerEntry }: Cell): string => {
    const lost = missed.asg - missed.lru
    const numbers = [...policies.map(policy => missed[policy].toFixed(2)), `${lost > 0 ? '+' : ''}${lost.toFixed(2)}`, String(entries), bytesPerEntry.toFixed(1)]
    return `${name.padEnd(34)}${numbers.map(number => number.padStart(10)).join('')}`
  }
  return (Object.keys(objectives) as Objective[])
    .map(objective => [`eviction/${objectives[objective]}: ${what[objective]}`, head, ...cells.filter(cell => cell.objective === objective).map(line), ''].join('\n'))
    .join('\n')
}

function summary(rows: readonly JsonRow[]): string {
  const line = ({ id, unit, ours, all, ratio, what: text }: JsonRow): string => {
    const others = Object.entries(all).map(([name, value]) => `${name} ${value}`)
    return `${id.padEnd(18)}asg ${ours} ${unit}; ${others.join(', ')}; best / ours ${ratio}${ratio !== null && ratio < 1 ? ' <' : ''}\n${' '.repeat(18)}${text}`
  }
  return rows.map(line).join('\n')
}

function bench(): void {
  const asked = (option: string): boolean => process.argv.includes(`--${option}`)
  const files = traceFiles(asked('quick'))
  if (files.length === 0) {
    console.error('There are no traces here, so there is nothing to measure. They are looked for in ../shared/traces/dev; REPRISE_TRACES may name another folder that holds dev/.')
    if (asked('json')) console.log(JSON.stringify({ rows: [] }))
    return
  }
  const cells = files.flatMap(file => {
    console.error(`replaying ${file}`)
    return cellsOf(simulate(file))
  })
  const rows = [...(Object.keys(objectives) as Objective[]).map(objective => meanRow(objective, cells)), worstRow(cells)]
  if (asked('json')) console.log(JSON.stringify({ rows }))
  else console.log(`\n${table(cells)}\n${summary(rows)}`)
}

bench()
