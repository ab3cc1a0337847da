/**
 * Deno KV, as `Deno.openKv()` gives it: a head for each entry, and chunks for what is longer than a value may be (64 KiB).
 *
 * A short entry is its own head. A long one is cut into chunks under a name drawn for this write, its generation; its head says which generation counts, and is
 * written last, in one atomic step with the last of the chunks. So a reader meets the old entry or the new one; the chunks of two
 * writes cannot be mixed, as they have no key in common.
 *
 *     [prefix, 'entry', key]                      the bytes, or { generation, chunks, bytes }
 *     [prefix, 'generation', key, generation]     how many chunks it has
 *     [prefix, 'chunk', generation, number]       bytes
 *
 * Who has written or deleted a key removes all its generations that no head names. Among them may be one that somebody is still writing: each step of such
 * a write checks that its generation is there, and if it is not, begins again with another. (What one step can write, which is most of what is long, is never half there.)
 */
import { OptionError, show } from '../errors.js'
import { isBytes } from '../is-a.js'
import { checkNames } from '../units.js'
import { parsePrefix } from './prefix.js'
import type { Storage } from './storage.js'

type Key = readonly (string | number)[]

/** What is used of a `Deno.Kv`. */
export interface DenoKv {
  get(key: Key): Promise<DenoKvEntry>
  getMany(keys: readonly Key[]): Promise<readonly DenoKvEntry[]>
  list(selector: { prefix: Key }, options?: { batchSize?: number }): AsyncIterable<DenoKvEntry>
  atomic(): DenoKvAtomic
}

export interface DenoKvEntry {
  readonly key: readonly unknown[]
  readonly value: unknown
  readonly versionstamp: string | null
}

/** What is used of a `Deno.AtomicOperation`. */
export interface DenoKvAtomic {
  check(...checks: { key: Key; versionstamp: string | null }[]): DenoKvAtomic
  set(key: Key, value: unknown, options?: { expireIn?: number }): DenoKvAtomic
  delete(key: Key): DenoKvAtomic
  commit(): Promise<{ readonly ok: boolean; readonly versionstamp?: string }>
}

export interface DenoKvOptions {
  /** `await Deno.openKv()`; whoever opened it closes it. */
  kv: DenoKv
  /** The first part of every key. Default `reprise:`; at most 128 characters. */
  prefix?: string
}

interface Head {
  readonly generation: string
  readonly chunks: number
  readonly bytes: number
}

/** A value may have 65,536 bytes, an atomic step 819,200 with all keys, and 1000 changes. */
const chunkBytes = 60_000
const chunksAtOnce = 12
const mostChunks = 900
/** getMany() takes no more keys. */
const mostReadAtOnce = 10
/** How often a write begins again that others undid, and a read that others overtook. */
const mostTries = 30

/** Takes a KV, or options with one. Throws OptionError where it is neither. The storage throws for an entry above 54 MB. */
export function denoKv(given: DenoKv | DenoKvOptions): Storage {
  const { kv, prefix } = parse(given)
  const headKey = (key: string): Key => [prefix, 'entry', key]
  const generationKey = (key: string, generation: string): Key => [prefix, 'generation', key, generation]
  const chunkKey = (generation: string, number: number): Key => [prefix, 'chunk', generation, number]

  /** Writes an entry in place of what is there, or (`add`) if nothing is; says whether it did. */
  async function write(key: string, entry: Uint8Array, expiresAt: number | undefined, add: boolean): Promise<boolean> {
    const life = expiresAt === undefined ? Infinity : Math.ceil(expiresAt - Date.now())
    // What is over replaces what was there as well: nothing is left of either.
    if (life <= 0) return remove(key).then(() => true)
    // It refuses what would overflow its clock, and nobody waits that long.
    const expiry = life < 1e14 ? { expireIn: life } : {}
    const isFree = { key: headKey(key), versionstamp: null }
    if (entry.length <= chunkBytes) {
      const step = kv.atomic().set(headKey(key), entry, expiry)
      if (!(await commit(add ? step.check(isFree) : step)).ok) return false
      await tidy(key)
      return true
    }
    const chunks = Math.ceil(entry.length / chunkBytes)
    if (chunks > mostChunks) throw new Error(`denoKv: an entry of ${entry.length} bytes was not written: the most is ${mostChunks * chunkBytes}. Set memory.maxEntryBytes lower, or keep such results elsewhere.`)
    for (let tries = 0; tries < mostTries; tries++) {
      const generation = crypto.randomUUID()
      let ours: string | undefined
      for (let at = 0; ; at += chunksAtOnce) {
        const step = kv.atomic()
        if (at === 0) step.set(generationKey(key, generation), chunks, expiry)
        else step.check({ key: generationKey(key, generation), versionstamp: ours! })
        const end = Math.min(at + chunksAtOnce, chunks)
        for (let i = at; i < end; i++) step.set(chunkKey(generation, i), entry.subarray(i * chunkBytes, (i + 1) * chunkBytes), expiry)
        const isLast = end === chunks
        if (isLast) step.set(headKey(key), { generation, chunks, bytes: entry.length } satisfies Head, expiry)
        if (isLast && add) step.check(isFree)
        const { ok, versionstamp } = await commit(step)
        if (ok && !isLast) {
          ours ??= versionstamp
          continue
        }
        if (ok || at > 0) await tidy(key)
        if (ok) return true
        if (add && (await kv.get(headKey(key))).versionstamp !== null) return false
        break
      }
    }
    throw new Error('denoKv: an entry was not written, as others write the same key all the time.')
  }

  async function remove(key: string): Promise<void> {
    await commit(kv.atomic().delete(headKey(key)))
    await tidy(key)
  }

  /**
   * Removes the generations of a key that its head does not name, each in one step, which whoever still writes it notices. A head that has changed by
   * then may name it: so nothing is removed, and who changed the head looks after the rest.
   */
  async function tidy(key: string): Promise<void> {
    const found: DenoKvEntry[] = []
    for await (const one of kv.list({ prefix: [prefix, 'generation', key] })) found.push(one)
    if (found.length === 0) return
    const { value, versionstamp } = await kv.get(headKey(key))
    for (const one of found) {
      const generation = String(one.key[3])
      if (isHead(value) && value.generation === generation) continue
      const step = kv.atomic().check({ key: headKey(key), versionstamp }).delete(generationKey(key, generation))
      for (let i = 0; i < Number(one.value) && i < mostChunks; i++) step.delete(chunkKey(generation, i))
      await commit(step)
    }
  }

  /** Undefined where one is missing. */
  async function joined({ generation, chunks, bytes }: Head): Promise<Uint8Array | undefined> {
    const keys = Array.from({ length: chunks }, (_, i) => chunkKey(generation, i))
    const reads: Promise<readonly DenoKvEntry[]>[] = []
    for (let at = 0; at < chunks; at += mostReadAtOnce) reads.push(kv.getMany(keys.slice(at, at + mostReadAtOnce)))
    const whole = new Uint8Array(bytes)
    for (const [i, { value }] of (await Promise.all(reads)).flat().entries()) {
      if (!isBytes(value) || value.length !== Math.min(chunkBytes, bytes - i * chunkBytes)) return undefined
      whole.set(value, i * chunkBytes)
    }
    return whole
  }

  return {
    shared: true,
    async get(key) {
      for (let tries = 0, seen: string | null = null; tries < mostTries; tries++) {
        const { value, versionstamp } = await kv.get(headKey(key))
        // The client for Node answers with Buffers.
        if (isBytes(value)) return new Uint8Array(value)
        if (!isHead(value)) return undefined
        const whole = await joined(value)
        // Without all its chunks it was replaced meanwhile. If it was not, they are lost, or have ended sooner than their head.
        if (whole !== undefined || versionstamp === seen) return whole
        seen = versionstamp
      }
      throw new Error('denoKv: an entry was not read, as others write the same key all the time.')
    },

    async set(key, entry, { expiresAt }) {
      await write(key, entry, expiresAt, false)
    },

    add: (key, entry) => write(key, entry, undefined, true),

    delete: remove,

    async *keys() {
      for await (const { key } of kv.list({ prefix: [prefix, 'entry'] })) yield String(key[2])
    },

    async clear() {
      for await (const { key } of kv.list({ prefix: [prefix, 'entry'] })) await commit(kv.atomic().delete(key as Key))
      for await (const { key } of kv.list({ prefix: [prefix, 'generation'] })) await tidy(String(key[2]))
    },
  }
}

/** Of several processes with one local file (SQLite), one writes at a time, and the others are told so at once. */
async function commit(step: DenoKvAtomic): Promise<{ readonly ok: boolean; readonly versionstamp?: string }> {
  for (let tries = 0; ; tries++) {
    try {
      return await step.commit()
    } catch (error) {
      if (tries === mostTries || !/database is locked/.test((error as Error | undefined)?.message ?? '')) throw error
      await new Promise(resolve => setTimeout(resolve, 20 * Math.random()))
    }
  }
}

function isHead(value: unknown): value is Head {
  const head = value as Partial<Head> | null | undefined
  return typeof head?.generation === 'string' && Number.isInteger(head.chunks) && head.chunks! > 0 && head.chunks! <= mostChunks && Number.isInteger(head.bytes) && Math.ceil(head.bytes! / chunkBytes) === head.chunks
}

function parse(given: unknown): { kv: DenoKv; prefix: string } {
  const options = (isKv(given) ? { kv: given } : (given ?? {})) as Partial<DenoKvOptions>
  if (!isKv(options.kv)) throw new OptionError('denoKv', `${show(options.kv ?? given)} is no KV of Deno. Give await Deno.openKv(), for which Deno is started with --unstable-kv.`)
  checkNames('denoKv', options, ['kv', 'prefix'])
  return { kv: options.kv, prefix: parsePrefix('denoKv', options.prefix) }
}

function isKv(value: unknown): value is DenoKv {
  const found = value as Partial<DenoKv> | null | undefined
  return typeof found?.atomic === 'function' && typeof found.list === 'function' && typeof found.get === 'function'
}
