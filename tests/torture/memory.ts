/**
 * Does a long life take no more memory than a short one? A million values of 1 B to 1 MB go through a core with a budget of
 * 64 MB, and what they answer is compared on the way. Natively the same, and a million random operations against a
 * model (tests/native/model_test.cpp, cache_test.cpp).
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Core, status, verdict } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { compile } from '../js/harness.js'
import { freshSeed, Random } from './random.js'

export interface Soaked {
  memory: number
  entries: number
  hits: number
  /** Of the budget, how much entries took at the least in the second half. */
  leastFull: number
}

/** Stores `puts` values, asks for as many, and compares what comes back. Throws where anything is wrong. */
export async function soak(puts: number, maxBytes: number, seed: number): Promise<Soaked> {
  const core = await Core.create(await compile(), { maxBytes, maxEntryBytes: 2 ** 21 }, Uint32Array.of(1, 2, 3, 4), false)
  const { memory } = (core as unknown as { exports: { memory: WebAssembly.Memory } }).exports
  const random = new Random(seed, 0)
  const prefix = keyPrefix(null, 'soak', null)
  const bytes = new Uint8Array(2 ** 21).map((_, i) => (i * 31) >> 3)
  let hits = 0
  let settled = 0
  let leastFull = 1
  for (let put = 0; put < puts; put++) {
    core.digest(prefix, [random.below(2_000)])
    const least = 2 ** random.below(20)
    const payload = { kind: 2, bytes: bytes.subarray(0, least + random.below(least)) }
    const said = core.store(core.key(), { payload, tokens: new Uint8Array(0), costMs: 1, ttlMs: Infinity, staleForMs: 0 }, put)
    assert.ok(said === status.ok || said === status.notAdmitted, `seed ${seed}: a value of ${payload.bytes.length} bytes ended with ${said}`)
    if (core.lookUp(prefix, [random.below(2_000)], put) === verdict.fresh) {
      hits++
      const value = core.value(false) as Uint8Array
      assert.ok(Buffer.from(value.buffer).equals(bytes.subarray(0, value.length)), `seed ${seed}: other bytes than stored, at ${put}`)
    }
    assert.ok(memory.buffer.byteLength <= maxBytes, `seed ${seed}: ${memory.buffer.byteLength} bytes of ${maxBytes} at ${put}`)
    if (put === puts >> 1) settled = memory.buffer.byteLength
    if (put > puts >> 1 && put % 64 === 0) leastFull = Math.min(leastFull, core.stats().bytes / maxBytes)
  }
  assert.equal(memory.buffer.byteLength, settled, `seed ${seed}: memory still grew in the second half`)
  return { memory: memory.buffer.byteLength, entries: core.stats().entries, hits, leastFull }
}

export const summary = 'A million values of 1 B to 1 MB in 64 MB, in WebAssembly and natively, and a million operations against a model (--puts N --seed S)'
export const options = ['puts', 'seed']

/** `npm run torture -- memory`; answers whether all is well. Needs build/native/reprise_tests. */
export async function run(options: ReadonlyMap<string, number>): Promise<boolean> {
  const seed = options.get('seed') ?? freshSeed()
  const puts = options.get('puts') ?? 1_000_000
  console.log(`memory: seed ${seed}`)
  const { memory, entries, hits, leastFull } = await soak(puts, 64_000_000, seed)
  console.log(`wasm: ${puts.toLocaleString('en')} puts, ${hits.toLocaleString('en')} hits, ${memory.toLocaleString('en')} bytes of memory, ${entries} entries, at least ${(100 * leastFull).toFixed(1)} % of it theirs`)
  console.log(`resident: ${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`)
  const env = { ...process.env, REPRISE_SOAK_PUTS: String(puts), REPRISE_MODEL_STEPS: '1000000' }
  const { stdout } = await promisify(execFile)('build/native/reprise_tests', ['a long life*,over any random verbs*'], { env })
  console.log(`native: ${stdout.trim()}`)
  return true
}
