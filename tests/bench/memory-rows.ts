/** The timed rows of the memory bench: what a hit costs. A thousand entries, asked for by Zipf's law. */
import { createHash } from 'node:crypto'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import Keyv from 'keyv'
import { Loader } from 'layered-loader/core'
import { LRUCache } from 'lru-cache'
import { defineCachedFunction } from 'ocache'
import pMemoize from 'p-memoize'
import { stringify } from 'safe-stable-stringify'
import type { Cache } from '../../js/cache.js'
import { seededRandom } from '../../js/testing/random.js'
import type { Contestant, Row } from './harness.js'
import { inputs, received } from './inputs.js'
import { Replies, zipf } from './replies.js'

const entries = 1000
const replyBytes = 2100

/** What is shared can be changed by one caller for the next, so it is shown and not compared with. */
const shares = 'hands all callers the same object, so one of them can change what the next one gets'

const sha256 = (value: unknown): string => createHash('sha256').update(stringify(value)!).digest('base64')

export async function memoryRows(newCache: () => Promise<Cache>): Promise<Row[]> {
  const replies = new Replies(1)
  const values = Array.from({ length: entries }, () => replies.next(replyBytes))
  const next = zipf(entries, seededRandom(2))
  /** The order in which entries are asked for: the same for all. */
  const order = Array.from({ length: 4096 }, next)
  return [await getObject(newCache, values, order), await wrapString(newCache, values, order), await wrapObject(newCache, values, order), await getBytes(newCache)]
}

const version = (name: string): string => versions[name]!

/** Each result has to be equal to what was stored; and if it is to be isolated, not it. */
function verified(expected: (input: never) => unknown) {
  return async ({ fn, aside }: Contestant<never>): Promise<string[]> => {
    const run = fn as (input: unknown) => unknown
    for (const input of [0, 1, entries - 1] as never[]) {
      const value = await run(input)
      if (JSON.stringify(value) !== JSON.stringify(expected(input))) return ['returned something else than was stored']
      if (aside === undefined && (value === expected(input) || value === (await run(input)))) return ['returned an object that is shared, and does not say so']
    }
    return []
  }
}

async function getObject(newCache: () => Promise<Cache>, values: readonly object[], order: readonly number[]): Promise<Row> {
  const keys = values.map((_, i) => `reply:${i}`)
  const ours = await newCache()
  const bento = bentoCache()
  const keyv = new Keyv()
  const texts = new LRUCache<string, string>({ max: 2 * entries })
  const shared = new LRUCache<string, object>({ max: 2 * entries })
  for (const [i, value] of values.entries()) {
    await ours.set(keys[i]!, value)
    await bento.set({ key: keys[i]!, value })
    await keyv.set(keys[i]!, value)
    texts.set(keys[i]!, JSON.stringify(value))
    shared.set(keys[i]!, value)
  }
  return {
    id: 'memory/get-object',
    what: 'get(key) of a reply of 2.1 KB, an object of its own each time',
    input: order[0]!,
    others: order.slice(1),
    awaited: true,
    contestants: [
      { name: 'reprise', version: version('reprise'), fn: (i: number) => ours.get(keys[i]!) },
      { name: 'lru-cache of JSON text + JSON.parse', version: version('lru-cache'), fn: (i: number) => JSON.parse(texts.get(keys[i]!)!) as unknown },
      { name: 'bentocache', version: version('bentocache'), fn: (i: number) => bento.get({ key: keys[i]! }) },
      { name: 'keyv', version: version('keyv'), fn: (i: number) => keyv.get(keys[i]!) },
      { name: 'lru-cache', version: version('lru-cache'), aside: shares, fn: (i: number) => shared.get(keys[i]!) },
    ],
    verify: verified((i) => values[i]),
  }
}

/** The peers' whole calls, for arguments that `keyOf` makes a string of. Each is warmed with all entries. */
async function wrapped<Argument>(args: readonly Argument[], values: readonly object[], keyOf: (argument: Argument) => string): Promise<Contestant<number>[]> {
  let computing: object = {}
  const compute = async (): Promise<object> => computing
  const bento = bentoCache()
  const lru = new LRUCache<string, object>({ max: 2 * entries, fetchMethod: compute })
  const loader = new Loader<object>({ inMemoryCache: { ttlInMsecs: 3_600_000, maxItems: 2 * entries }, dataSourceGetOneFn: compute })
  const ocached = defineCachedFunction(async (_: Argument) => computing, { name: `bench-${String(keyOf)}`, maxAge: 3600, swr: false })
  const memoized = pMemoize(async (_: Argument) => computing, { cacheKey: ([argument]) => keyOf(argument as Argument) })
  const map = new Map<string, Promise<object>>()
  const calls: readonly [string, string, ((i: number) => unknown), string?][] = [
    ['bentocache getOrSet', 'bentocache', (i) => bento.getOrSet({ key: keyOf(args[i]!), factory: compute })],
    ['lru-cache fetch', 'lru-cache', (i) => lru.fetch(keyOf(args[i]!)), shares],
    ['layered-loader', 'layered-loader', (i) => loader.get(keyOf(args[i]!)), shares],
    ['ocache', 'ocache', (i) => ocached(args[i]!), shares],
    ['p-memoize', 'p-memoize', (i) => memoized(args[i]!), shares],
    ['a Map of promises by hand', '', (i) => byHand(keyOf(args[i]!)), shares],
  ]
  const byHand = (key: string): Promise<object> => {
    let promise = map.get(key)
    if (promise === undefined) map.set(key, (promise = compute()))
    return promise
  }
  for (const [i, value] of values.entries()) {
    computing = value
    for (const [, , fn] of calls) await fn(i)
  }
  return calls.map(([name, of, fn, aside]) => ({ name, version: of === '' ? '' : version(of), fn, ...(aside === undefined ? {} : { aside }) }))
}

async function wrapString(newCache: () => Promise<Cache>, values: readonly object[], order: readonly number[]): Promise<Row> {
  const prompts = values.map((_, i) => `Summarise chapter ${String(i).padStart(4, '0')} of the report in two sentences.`.padEnd(60, '!'))
  const ours = (await newCache()).wrap(async (prompt: string) => values[prompts.indexOf(prompt)]!, { name: 'ask' })
  for (const prompt of prompts) await ours(prompt)
  return {
    id: 'memory/wrap-string',
    what: 'a whole wrapped call that is a hit: a prompt of 60 characters, a reply of 2.1 KB of its own',
    input: order[0]!,
    others: order.slice(1),
    awaited: true,
    contestants: [{ name: 'reprise', version: version('reprise'), fn: (i: number) => ours(prompts[i]!) }, ...(await wrapped(prompts, values, (prompt) => prompt))],
    verify: verified((i) => values[i]),
  }
}

async function wrapObject(newCache: () => Promise<Cache>, values: readonly object[], order: readonly number[]): Promise<Row> {
  const chat = inputs().find(({ id }) => id === 'chat')!.value as { messages: { content: string }[] }
  const requests = values.map((_, i) => {
    const request = received(chat)
    request.messages[1]!.content += ` My number is ${String(i).padStart(4, '0')}.`
    return received(request)
  })
  let asked = 0
  const ours = (await newCache()).wrap(async (_: object) => values[asked]!, { name: 'ask' })
  for (; asked < requests.length; asked++) await ours(requests[asked]!)
  // A server parses each request anew: its texts are equal to those that are remembered, and are not the same ones.
  const parsed = requests.map((request) => Array.from({ length: 4 }, () => received(request)))
  let calls = 0
  const anew = { name: 'reprise, the request parsed anew', version: version('reprise'), aside: 'ours as well: other objects each time', fn: (i: number) => ours(parsed[i]![calls++ & 3]!) }
  const peers = await wrapped(requests, values, sha256)
  // lru-cache shares, too; but it is what many would build by hand, so it is compared with all the same.
  const compared = peers.map((peer) => {
    if (peer.name !== 'lru-cache fetch') return peer
    const { name, version, fn } = peer
    return { name: `${name} by sha256 of stable JSON (shares its objects)`, version, fn }
  })
  return {
    id: 'memory/wrap-object',
    what: 'a whole wrapped call that is a hit: a chat request of 1 KB, a reply of 2.1 KB of its own',
    input: order[0]!,
    others: order.slice(1),
    awaited: true,
    contestants: [{ name: 'reprise', version: version('reprise'), fn: (i: number) => ours(requests[i]!) }, anew, ...compared],
    verify: (contestant) => (contestant.name.includes('shares') ? [] : verified((i) => values[i])(contestant as Contestant<never>)),
  }
}

async function getBytes(newCache: () => Promise<Cache>): Promise<Row> {
  const random = seededRandom(3)
  const bytes = Uint8Array.from({ length: 200_000 }, () => random() * 256)
  const ours = await newCache()
  await ours.set('bytes', bytes)
  const lru = new LRUCache<string, Uint8Array>({ max: 10 })
  lru.set('bytes', bytes)
  return {
    id: 'memory/bytes',
    what: 'get(key) of 200 KB of bytes, of their own each time',
    input: 0,
    awaited: true,
    contestants: [
      { name: 'reprise', version: version('reprise'), fn: () => ours.get('bytes') },
      { name: 'lru-cache + structuredClone', version: version('lru-cache'), fn: () => structuredClone(lru.get('bytes')) },
      { name: 'lru-cache', version: version('lru-cache'), fn: () => lru.get('bytes'), aside: shares },
    ],
    async verify({ fn, aside }) {
      const [one, two] = [(await fn(0)) as Uint8Array, (await fn(0)) as Uint8Array]
      if (Buffer.compare(one, bytes) !== 0) return ['returned other bytes']
      return aside === undefined && (one === two || one.buffer === two.buffer) ? ['returned bytes that are shared'] : []
    },
  }
}

function bentoCache(): { set(o: object): Promise<unknown>; get(o: object): Promise<unknown>; getOrSet(o: object): Promise<unknown> } {
  return new BentoCache({ default: 'memory', ttl: '1h', stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems: 2 * entries })) } })
}
