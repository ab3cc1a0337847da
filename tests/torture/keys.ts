/**
 * Do two calls share a key exactly when their arguments are the same? Millions of pairs of random arguments, most of them
 * near misses of each other, go through the real core. same.ts, which makes no bytes, says which pairs are equal;
 * canonical bytes and digests in memory must say so too. What was met lately is remembered by its digest, so a digest
 * that comes back for other arguments is found across pairs as well.
 */
import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { diagnostic } from '../../js/cli/diagnostic.js'
import { Core } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { compile } from '../js/harness.js'
import { randomArguments, variation } from './arguments.js'
import { freshSeed, Random } from './random.js'
import { sameArguments } from './same.js'

export interface Found {
  pairs: number
  equal: number
  /** Pairs that broke the promise. */
  wrong: number
  /** The smallest of them, and how to see it again. */
  failure: string
}

interface KeyOf {
  args: readonly unknown[]
  bytes: Buffer
  id: string
}

const variationsOfEach = 4
const remembered = 20_000
/** After the first failure the search goes on for a while, to show a small one. */
const enoughWrong = 200

/** Compares `pairs` pairs, from number `from` on. */
export async function compareKeys(pairs: number, seed: number, from = 0, tell: (found: Found) => void = () => {}): Promise<Found> {
  const secret = new Uint32Array(new Uint8Array(randomBytes(16)).buffer)
  const core = await Core.create(await compile(), { maxBytes: 64e6, maxEntryBytes: 1e5 }, secret, true)
  const prefix = keyPrefix(null, 'torture', null)
  const keyOf = (args: readonly unknown[]): KeyOf => {
    // Looked up as calls look it up: what was asked lately has its key remembered.
    core.lookUp(prefix, args, 0)
    return { args, bytes: Buffer.from(core.canonicalBytes().buffer), id: core.key().id }
  }
  const found: Found = { pairs: 0, equal: 0, wrong: 0, failure: '' }
  let smallest = Infinity
  const wrong = (what: string, size: number, base: number): void => {
    found.wrong++
    if (size >= smallest) return
    smallest = size
    found.failure = `${what}\nSee it again: npm run torture -- keys --seed ${seed} --from ${base * variationsOfEach} --pairs ${variationsOfEach}`
  }
  const compare = (a: KeyOf, b: KeyOf, base: number): boolean => {
    const equal = sameArguments(a.args, b.args)
    if (a.bytes.equals(b.bytes) !== equal || (a.id === b.id) !== equal) wrong(report(equal ? 'Equal arguments have two keys' : 'Different arguments share a key', a, b), a.bytes.length, base)
    return equal
  }
  const met = new Map<string, readonly unknown[]>()
  // Errors are among the arguments, and their stacks would take most of the time.
  Error.stackTraceLimit = 0
  for (let base = Math.floor(from / variationsOfEach); found.pairs < pairs && found.wrong < enoughWrong; base++) {
    const random = new Random(seed, base)
    const args = randomArguments(random)
    let varied: readonly unknown[] = args
    try {
      const a = keyOf(args)
      for (let i = 0; i < variationsOfEach && found.pairs < pairs; i++) {
        varied = variation(args, random)
        const b = keyOf(varied)
        found.pairs++
        if (compare(a, b, base)) found.equal++
        const before = met.get(b.id)
        if (before !== undefined && !sameArguments(before, varied)) compare(keyOf(before), b, base)
        met.set(b.id, varied)
      }
    } catch (error) {
      wrong(`A key could not be made: ${String(error).slice(0, 1000)}\n  ${show(varied).slice(0, 1000)}`, 1e9, base)
    }
    if (met.size > remembered) met.clear()
    if (found.pairs % 250_000 < variationsOfEach) tell(found)
  }
  return found
}

function report(what: string, a: KeyOf, b: KeyOf): string {
  const same = (yes: boolean): string => (yes ? 'equal' : 'different')
  return [
    `${what} (bytes ${same(a.bytes.equals(b.bytes))}, digests in memory ${same(a.id === b.id)}):`,
    ...[a, b].flatMap(({ args, bytes }) => [show(args), diagnostic(bytes)]).map(line => line.slice(0, 2000)),
  ].join('\n  ')
}

function show(args: readonly unknown[]): string {
  return inspect(args, { depth: 8, breakLength: Infinity, compact: 20, maxStringLength: 300 })
}

export const summary = '10 million random pairs of arguments share a key exactly when they are equal (--pairs N --seed S --from N)'
export const options = ['pairs', 'seed', 'from']

/** `npm run torture -- keys`; answers whether all is well. */
export async function run(options: ReadonlyMap<string, number>): Promise<boolean> {
  const seed = options.get('seed') ?? freshSeed()
  const pairs = options.get('pairs') ?? 10_000_000
  const start = performance.now()
  const count = (n: number): string => n.toLocaleString('en')
  const line = ({ pairs, equal, wrong }: Found): string =>
    `${count(pairs)} pairs: ${count(equal)} equal, ${count(pairs - equal)} different; ${wrong === 0 ? '0 shared keys, 0 missed equals' : `${wrong} WRONG`}; ${((performance.now() - start) / 1000).toFixed(0)} s`
  console.log(`keys: seed ${seed}`)
  const found = await compareKeys(pairs, seed, options.get('from') ?? 0, found => console.log(line(found)))
  if (found.wrong > 0) console.error(found.failure)
  console.log(line(found))
  return found.wrong === 0
}
