/**
 * How every bench measures, in Node and in a browser alike.
 *
 * A bench is a list of rows. A row gives one input to several contestants, ours first. Before anything is timed, each
 * contestant has to show that it does the job (`verify`): a fast wrong answer is not a result.
 *
 * Then they are timed in turns, because the speed of a machine drifts: in each round every contestant has one slice of
 * about 2 ms, and each round begins with another one. What disturbs the machine for a second disturbs all of them. Of
 * the slices we report the fastest (what the code can do: noise only ever adds time) and the median (what it mostly did).
 */

export interface Contestant<Input = unknown> {
  readonly name: string
  readonly version: string
  /** What is timed. Its result is what is verified. */
  fn(input: Input): unknown
  /** Where fn leaves its result elsewhere: fetches it, untimed, right after fn. */
  result?(): unknown
  /** Why this one is shown and not compared with, such as 'keys depend on the order of names'. */
  readonly aside?: string
}

export interface Row<Input = unknown> {
  readonly id: string
  readonly what: string
  readonly input: Input
  /** Further inputs, timed in turn with the first: where meeting the same one again would be another matter. */
  readonly others?: readonly Input[]
  /** Calls are awaited, one after the other, as a caller would. */
  readonly awaited?: boolean
  /** What ours was meant to take at most, in nanoseconds. */
  readonly asked?: number
  /** Ours first. */
  readonly contestants: readonly Contestant<Input>[]
  /** What is wrong with this contestant's results; nothing if they are right. */
  verify?(contestant: Contestant<Input>): string[] | Promise<string[]>
}

/** Nanoseconds of one call, in the fastest slice and in the median one. */
export interface Timing {
  readonly min: number
  readonly median: number
}

export interface Timed {
  readonly name: string
  readonly version: string
  readonly timing: Timing
  readonly aside?: string
}

export interface Result {
  readonly id: string
  readonly what: string
  readonly unit: string
  /** What ours was meant to take at most. */
  readonly asked?: number
  /** Ours first. */
  readonly timed: readonly Timed[]
}

export interface Pace {
  readonly rounds: number
  readonly sliceMs: number
}

export const thorough: Pace = { rounds: 200, sliceMs: 2 }
export const quick: Pace = { rounds: 25, sliceMs: 2 }

export class VerificationError extends Error {
  override readonly name = 'VerificationError'
}

/** Verifies all rows, and only then times them, one after the other. */
export async function runRows(rows: readonly Row[], pace: Pace, progress: (line: string) => void = () => {}): Promise<Result[]> {
  await verifyRows(rows)
  const results: Result[] = []
  for (const row of rows) {
    progress(row.id)
    results.push(await timeRow(row, pace))
  }
  return results
}

/** Throws a VerificationError that lists everything that is wrong. */
export async function verifyRows(rows: readonly Row[]): Promise<void> {
  const problems: string[] = []
  for (const row of rows) {
    for (const contestant of row.contestants) {
      try {
        for (const problem of (await row.verify?.(contestant)) ?? []) problems.push(`${row.id}: ${contestant.name} ${problem}`)
      } catch (error) {
        problems.push(`${row.id}: ${contestant.name} threw ${String(error)}`)
      }
    }
  }
  if (problems.length > 0) throw new VerificationError(`Nothing was timed, because these results are wrong:\n${problems.join('\n')}`)
}

/** What this contestant makes of an input. */
export function resultOf<Input>(contestant: Contestant<Input>, input: Input): unknown {
  const returned = contestant.fn(input)
  return contestant.result === undefined ? returned : contestant.result()
}

// ---- timing -----------------------------------------------------------------------------------

/** Whatever the timed calls return ends here, so that no compiler may leave them out. */
export let sink: unknown

export async function timeRow(row: Row, pace: Pace): Promise<Result> {
  const { contestants } = row
  const inputs = [row.input, ...(row.others ?? [])]
  const slice = row.awaited === true ? sliceOfAwaited : sliceOf
  const calls: number[] = []
  for (const contestant of contestants) calls.push(await callsPerSlice(slice, contestant, inputs, pace.sliceMs))
  const slices: number[][] = contestants.map(() => [])
  for (let round = 0; round < pace.rounds; round++) {
    for (const i of turn(contestants.length, round)) slices[i]!.push(await slice(contestants[i]!, inputs, calls[i]!))
  }
  const { id, what, asked } = row
  return { id, what, unit: 'ns', ...(asked === undefined ? {} : { asked }), timed: contestants.map((contestant, i) => timedOf(contestant, slices[i]!)) }
}

/** The order of one round: everyone once, each round another one first. */
export function turn(count: number, round: number): number[] {
  return Array.from({ length: count }, (_, i) => (i + round) % count)
}

/** Warms up for some slices, until the compiler has had its time, and sees how many calls fill one. */
async function callsPerSlice(slice: Slice, contestant: Contestant, inputs: readonly unknown[], sliceMs: number): Promise<number> {
  let calls = 1
  let fastest = Infinity
  for (let spent = 0, slices = 0; spent < 30 * sliceMs || slices < 5; slices++) {
    const perCall = (await slice(contestant, inputs, calls)) / 1e6
    spent += perCall * calls
    fastest = Math.min(fastest, perCall)
    // A timer that is coarser than the slice says 0; twice as many calls then.
    calls = fastest > 0 ? Math.max(1, Math.min(2 * calls, Math.round(sliceMs / fastest))) : 2 * calls
  }
  return calls
}

/** Nanoseconds of one call, over so many of them. */
type Slice = (contestant: Contestant, inputs: readonly unknown[], calls: number) => number | Promise<number>

function sliceOf(contestant: Contestant, inputs: readonly unknown[], calls: number): number {
  const start = performance.now()
  for (let i = 0, next = 0; i < calls; i++) {
    sink = contestant.fn(inputs[next])
    if (++next === inputs.length) next = 0
  }
  return ((performance.now() - start) * 1e6) / calls
}

async function sliceOfAwaited(contestant: Contestant, inputs: readonly unknown[], calls: number): Promise<number> {
  const start = performance.now()
  for (let i = 0, next = 0; i < calls; i++) {
    sink = await contestant.fn(inputs[next])
    if (++next === inputs.length) next = 0
  }
  return ((performance.now() - start) * 1e6) / calls
}

function timedOf({ name, version, aside }: Contestant, slices: readonly number[]): Timed {
  return { name, version, timing: timingOf(slices), ...(aside === undefined ? {} : { aside }) }
}

export function timingOf(slices: readonly number[]): Timing {
  const sorted = [...slices].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { min: sorted[0]!, median }
}

// ---- comparing --------------------------------------------------------------------------------

export interface Comparison {
  readonly ours: Timed
  /** The best of those that we compare with. */
  readonly best: Timed
  /** By how much we are ahead: best / ours, as less is better. Above 1 we are faster. */
  readonly ratio: number
}

/** Ours against the best peer, by the fastest slices or by the medians: the best may be another one then. */
/** Is there anybody who does what ours does? */
export function hasPeer({ timed }: Result): boolean {
  return timed.slice(1).some(({ aside }) => aside === undefined)
}

export function compare(result: Result, by: keyof Timing): Comparison {
  const [ours, ...others] = result.timed
  const peers = others.filter((peer) => peer.aside === undefined)
  if (ours === undefined || peers.length === 0) throw new Error(`${result.id}: there is no peer to compare with.`)
  const best = peers.reduce((a, b) => (b.timing[by] < a.timing[by] ? b : a))
  return { ours, best, ratio: best.timing[by] / ours.timing[by] }
}
