/** The rows of the key benches, for Node and the browser: ours, the peers that run in both, and who races whom. */
import { createXXHash128 } from 'hash-wasm'
import objectHash from 'object-hash'
import { hash as ohash } from 'ohash'
import { stringify } from 'safe-stable-stringify'
import { Core, verdict } from '../../js/core.js'
import { keyPrefix } from '../../js/encode.js'
import { compileInline } from '../../js/runtimes/web.js'
import type { Row } from './harness.js'
import type { Input } from './inputs.js'
import { type KeyMaker, keyProblems } from './key-check.js'

/** In hexadecimal. */
export type Sha256 = (data: string | Uint8Array) => string

const now = 1_800_000_000_000
const prefix = keyPrefix(null, 'ask', 1)

let compiled: Promise<WebAssembly.Module> | undefined

async function newCore(keepsKeys: boolean): Promise<Core> {
  const module = await (compiled ??= compileInline(() => import('../../build/wasm/core.wasm.js')))
  return Core.create(module, { maxBytes: 64_000_000, maxEntryBytes: 8_000_000 }, Uint32Array.of(1, 2, 3, 4), keepsKeys)
}

/**
 * What a call pays to learn that it has not been asked before: canonical bytes, SipHash-128, and the look into the
 * index. The peers' times are those of the key alone. Each row has a fresh instance.
 */
export async function ours(): Promise<KeyMaker> {
  const core = await newCore(false)
  return {
    name: 'reprise',
    version: versions['reprise']!,
    fn: (input) => core.lookUp(prefix, [input], now),
    result() {
      const key = core.key()
      if (core.peek(key, now) !== verdict.absent) throw new Error('found an entry in a cache that is empty.')
      return key.id
    },
  }
}

/** The same, and the name that storage knows the entry by. */
export async function oursForStorage(sha256: Sha256): Promise<KeyMaker> {
  const core = await newCore(true)
  return {
    name: 'reprise + sha256',
    version: versions['reprise']!,
    fn(input) {
      core.lookUp(prefix, [input], now)
      return sha256(core.canonicalBytes())
    },
  }
}

/** Peers whose keys have 128 bits or more, and that run everywhere. */
export async function peers(): Promise<KeyMaker[]> {
  const xxh128 = await createXXHash128()
  return [
    { name: 'ohash', version: versions['ohash']!, fn: (input) => ohash(input) },
    {
      name: 'safe-stable-stringify + xxh128',
      version: `${versions['safe-stable-stringify']}, hash-wasm ${versions['hash-wasm']}`,
      fn: (input) => xxh128.init().update(stringify(input)!).digest(),
    },
    { name: 'object-hash', version: versions['object-hash']!, fn: (input) => objectHash(input as object) },
  ]
}

export function stableSha256(sha256: Sha256): KeyMaker {
  return { name: 'safe-stable-stringify + sha256', version: versions['safe-stable-stringify']!, fn: (input) => sha256(stringify(input)!) }
}

export const jsonStringify: KeyMaker = { name: 'JSON.stringify', version: '', orderDependent: true, fn: (input) => JSON.stringify(input) }

/** In rows about keys it is shown and not compared with. */
export const jsonStringifyAside: KeyMaker = { ...jsonStringify, aside: 'its text depends on the order of names, and nothing is digested' }

export function keyRow(id: string, { what, value, others = [] }: Input, contestants: readonly KeyMaker[]): Row {
  return { id, what, input: value, others, contestants, verify: (contestant) => keyProblems(contestant, value) }
}
