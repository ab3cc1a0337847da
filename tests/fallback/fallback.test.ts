/**
 * The twin against the wasm: random verbs on both, at the same times, with room enough for all, so that what is kept is no
 * matter of eviction. Whatever they say must be the same: verdicts, statuses, facts, payloads, sealed bytes, counters, slots.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { Core, type CoreStats, status, verdict } from '../../js/core.js'
import { statNames } from '../../js/core-stats.js'
import { keyPrefix } from '../../js/encode.js'
import { fallback } from '../../js/fallback/index.js'
import { seededRandom } from '../../js/testing/random.js'
import { encodeValue, failed, kind, labelled, loadFor, type Payload } from '../../js/value.js'
import { bench, compileWasm } from '../js/harness.js'

await loadFor(kind.cbor)

const prefix = keyPrefix('acme', 'f', 2)
const steps = 1500
/** What was said. */
const seen = new Set<string>()

class Draws {
  private readonly next: () => number
  constructor(seed: number) {
    this.next = seededRandom(seed)
  }
  below(n: number): number {
    return Math.floor(this.next() * n)
  }
  chance(share: number): boolean {
    return this.next() < share
  }
  of<T>(...choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}

async function cores(maxBytes: number): Promise<[Core, Core]> {
  const limits = { maxBytes, maxEntryBytes: 140_000 }
  const secret = Uint32Array.of(5, 6, 7, 0xffff_ffff)
  return [await Core.create(await compileWasm(), limits, secret, true), await Core.create(fallback, limits, secret, true)]
}

// Memory has numbers for the names of objects from the second time on that any core of this process sees them.
for (const core of await cores(1e6)) {
  core.digest(prefix, [])
  core.store(core.key(), { payload: encodeValue({ id: 1, text: '', list: [] }), tokens: new Uint8Array(0), costMs: 1, ttlMs: 1, staleForMs: 0 }, 0)
}

/** Without what each of them takes, which they count in ways of their own. */
function counted(stats: CoreStats): object {
  const { bytes, metadata, memory, ...same } = stats
  assert.ok(bytes >= 0 && metadata >= 0 && memory > 0)
  return same
}

function payloadOf(draws: Draws): Payload {
  const size = draws.of(0, 1, 10, 60, 100, 161, 200, 300, 1000, 9_000, 65_536, 70_000, 150_000)
  const bytes = Uint8Array.from({ length: draws.chance(0.9) ? size % 5000 : size }, () => draws.below(256))
  let payload = encodeValue(draws.of<() => unknown>(() => bytes, () => ({ id: draws.below(99), text: 'ü'.repeat(bytes.length), list: [1, 2.5, null] }), () => new Map([[1, bytes.length]]), () => 'plain '.repeat(bytes.length / 6))())
  if (draws.chance(0.3)) payload = labelled(payload, `["${draws.below(1000)}é"]`)
  return draws.chance(0.1) ? failed(payload) : payload
}

for (const [seed, beginning] of [[1, 0], [2, 1_700_000_000_000], [3, 1_700_000_000_000], [4, 1_700_000_000_000], [5, 2 ** 53 - 400_000], [6, 1e18]] as const) {
  test(`${steps} random verbs from ${beginning} on say the same (seed ${seed})`, async () => {
    const draws = new Draws(seed)
    const both = await cores(60_000_000)
    let now: number = beginning
    let step = 0
    let verb = ''
    const same = <T>(ask: (core: Core) => T): T => {
      const [one, two] = both.map(ask) as [T, T]
      assert.deepEqual(two, one, `seed ${seed}, step ${step}, ${verb}`)
      return one
    }
    const attempt = <T>(work: () => T): T | string => {
      try {
        return work()
      } catch (error) {
        return String(error)
      }
    }
    /** What there is of an answer, or of what may stand in. */
    const answer = (said: number): void => {
      seen.add(`${verb} ${verdict[said]}`)
      if (said !== verdict.fresh && said !== verdict.stale && said !== verdict.retained) return
      same(core => core.facts())
      same(core => core.payload())
      same(core => attempt(() => core.value(step % 3 === 0)))
    }
    // Some tags are unknown until they get their first token.
    const current = new Map<number, [hard: number, soft: number]>()
    const token = (tag: number, [hard, soft]: [number, number]): Uint8Array => Uint8Array.of(tag, 0, 0, 0, 0, 0, 0, 9, hard, 2, 3, 4, 5, soft, 7, 255)
    const tokensOf = (): Uint8Array => {
      const list = Array.from({ length: draws.of(0, 0, 1, 2, 3) }, () => {
        const tag = draws.below(5)
        const [hard, soft] = current.get(tag) ?? [0, 0]
        return [...token(tag, [draws.chance(0.05) ? hard + 1 : hard, draws.chance(0.1) ? soft + 1 : soft])]
      })
      return Uint8Array.from(list.flat())
    }
    const stored: { name: Uint8Array; entry: Uint8Array; id: number }[] = []
    const keyOf = (core: Core, id: number): ReturnType<Core['key']> => {
      core.digest(prefix, [id, 'x'.repeat(id * 40)])
      return core.key()
    }
    for (; step < steps; step++) {
      if (draws.chance(0.5)) now += draws.of(0, 1, 7, 40, 200, 900, 5_000)
      if (draws.chance(0.02)) now -= draws.of(1, 50, 299_999, 300_000, 300_001, 5e6)
      const id = draws.below(60)
      const staleForMs = draws.of(0, 0, 1, 30, 1000, Infinity)
      const name = new Uint8Array(32).fill(id)
      verb = draws.of('lookUp', 'lookUp', 'lookUp', 'peek', 'store', 'store', 'store', 'resealed', 'admit', 'admit', 'invalidate', 'expire', 'setToken', 'forgetToken', 'sweep', 'scan')
      if (verb === 'lookUp') {
        answer(same(core => core.lookUp(prefix, [id, 'x'.repeat(id * 40)], now + (step % 4) / 4, staleForMs)))
      } else if (verb === 'peek') {
        answer(same(core => core.peek(keyOf(core, id), now, staleForMs)))
      } else if (verb === 'store') {
        const draft = {
          payload: payloadOf(draws),
          tokens: tokensOf(),
          costMs: draws.of(0, 1, 0.1, 12.345, 1e9),
          ttlMs: draws.of(0, 1, 100, 2_000, 60_000, 1e10, 1e18, Infinity, Infinity),
          staleForMs: draws.of(0, 0, 5, 3_000, 1e12, 2 ** 55, Infinity),
          idleMs: draws.of(Infinity, Infinity, Infinity, 300, 4_000, 1e15),
          insists: draws.chance(0.2),
        }
        const said = same(core => core.store(keyOf(core, id), draft, now))
        seen.add(`store ${status[said]}`)
        same(core => core.facts())
        stored.push({ name, id, entry: same(core => core.seal(name, draft.payload)) })
      } else if (verb === 'resealed') {
        const entry = same(core => core.resealed(keyOf(core, id), name))
        if (entry !== undefined) stored.push({ name, id, entry })
      } else if (verb === 'admit' && stored.length > 0) {
        const { name, entry, id } = stored[draws.below(stored.length)]!
        const given = entry.slice(0, draws.chance(0.05) ? draws.below(entry.length + 1) : entry.length)
        if (draws.chance(0.1) && given.length > 0) given[draws.below(Math.min(given.length, draws.of(8, 90, 1e9)))]! ^= 1 << draws.below(8)
        const asked = draws.chance(0.03) ? new Uint8Array(32).fill(255) : name
        const said = same(core => core.admit(keyOf(core, id), asked, given, now, 0, staleForMs))
        seen.add(`admit ${status[said.status]}`)
        if (said.payload !== undefined) same(core => core.facts())
      } else if (verb === 'invalidate') {
        same(core => core.invalidate(keyOf(core, id)))
      } else if (verb === 'expire') {
        seen.add(`expire ${same(core => core.expire(keyOf(core, id), now))}`)
      } else if (verb === 'setToken') {
        const tag = draws.below(5)
        const [hard, soft] = current.get(tag) ?? [0, 0]
        const next: [number, number] = draws.chance(0.3) ? [(hard + 1) % 250, 0] : [hard, (soft + 1) % 250]
        current.set(tag, next)
        same(core => core.setToken(token(tag, next)))
      } else if (verb === 'forgetToken') {
        const tag = draws.below(7)
        const gone = same(core => core.forgetToken(token(tag, [0, 0])))
        seen.add(`forgetToken ${gone}`)
      } else if (verb === 'sweep') {
        const budget = draws.of(0, 1, 3, 16, 1000)
        same(core => core.sweep(now, budget))
      } else if (verb === 'scan') {
        same(core => {
          const found: unknown[] = []
          for (let from = 0, entry; (entry = core.nextLabelled(from)) !== undefined; from = entry.slot + 1) found.push(entry, core.facts(), core.payload())
          return found
        })
      }
      same(core => counted(core.stats()))
    }
  })
}

test('Nearly all that can be said was said, so that the above means something', () => {
  const verdicts = ['fresh', 'stale', 'absent', 'expired', 'invalidated', 'retained'].map(said => `lookUp ${said}`)
  const statuses = [status.ok, status.tooLarge, status.invalidated, status.unknownToken, status.noLifetime].map(said => `store ${status[said]}`)
  const refusals = Object.keys(status).filter(name => !/^\d|tooLarge|noRoom|noLifetime|notAdmitted|badField/.test(name)).map(said => `admit ${said}`)
  for (const said of [...verdicts, ...statuses, ...refusals, 'expire true', 'expire false', 'forgetToken true', 'forgetToken false']) assert.ok(seen.has(said), `${said} never happened`)
})

test('The counters come in the order of statNames', () => {
  const { exports, control } = fallback()
  control.create(1e6, 1e6, 1, 2, 3, 4)
  exports.look_up(0, 0, 0, 0)
  const numbers = new Float64Array(exports.memory.buffer, control.stats(), statNames.length)
  const named = Object.fromEntries(statNames.map((name, i) => [name, numbers[i]]))
  assert.deepEqual([named['missesAbsent'], named['memory']], [1, exports.memory.buffer.byteLength])
})

test('A fault in the core in JavaScript is a trap as one in WebAssembly: it costs a computation, and the core is built anew', async () => {
  let fails = false
  const faulty = () => {
    const { exports, control } = fallback()
    // It has nothing at a slot that there is not.
    const look_up = (...args: Parameters<typeof exports.look_up>): number => (fails ? (exports.read_payload(0), 0) : exports.look_up(...args))
    return { control, exports: { ...exports, look_up } }
  }
  const { cache, events, transcript } = await bench({}, { compile: async () => faulty })
  let runs = 0
  const load = cache.wrap(async (n: number) => n + runs++, { name: 'load' })
  fails = true
  assert.equal(await load(1), 1)
  assert.deepEqual(transcript(), ['uncached', 'bypass'])
  assert.match(String((events[0] as { error: Error }).error), /^CoreTrap: The core in JavaScript failed in read_payload\./)
  fails = false
  for (let i = 0; i < 100 && cache.stats().core === undefined; i++) await new Promise(resolve => setImmediate(resolve))
  assert.equal(await load(1), 2)
  assert.equal(await load(1), 2)
})
