/** The rows of the bench of calls. */
import { createCache as createDedupe } from 'async-cache-dedupe'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { Cacheable } from 'cacheable'
import { Loader } from 'layered-loader/core'
import { LRUCache } from 'lru-cache'
import { defineCachedFunction } from 'ocache'
import pMemoize from 'p-memoize'
import { createCache } from '../../js/runtimes/node.js'
import { type Contestant, type Pace, type Result, type Row, type Timed, timeRow, timingOf, turn, VerificationError, verifyRows } from './harness.js'
import { Replies } from './replies.js'

const version = (name: string): string => versions[name]!

const shares = 'hands all callers the same object, so one of them can change what the next one gets'

const newCache = (): ReturnType<typeof createCache> => createCache({ storage: false })

function bentoCache(maxItems: number): BentoCache {
  return new BentoCache({ default: 'memory', ttl: '1h', stores: { memory: bentostore().useL1Layer(memoryDriver({ maxItems })) } })
}

// ---- waiting for others -----------------------------------------------------------------------

const waiters = 1000

/** Asks for a key; the function that it runs is the bench's. */
type Ask = (key: string) => Promise<unknown>

interface Asked {
  readonly name: string
  readonly version: string
  readonly ask: Ask
  readonly aside?: string
}

/** All of them with the same function, one turn of the event loop long. */
async function askers(fn: Ask): Promise<Asked[]> {
  const ours = (await newCache()).wrap(fn, { name: 'ask' })
  const patient = (await newCache()).wrap(fn, { name: 'ask' }).with({ deadline: '1m' })
  const frozen = (await newCache()).wrap(fn, { name: 'ask', freeze: true })
  const bento = bentoCache(5000)
  const lru = new LRUCache<string, object>({ max: 5000, fetchMethod: fn })
  const dedupe = createDedupe({ ttl: 3600, storage: { type: 'memory', options: { size: 5000 } } }).define('ask', fn)
  const loader = new Loader<object>({ inMemoryCache: { ttlInMsecs: 3_600_000, maxItems: 5000 }, dataSourceGetOneFn: fn })
  const ocached = defineCachedFunction(fn, { name: 'ask', maxAge: 3600, swr: false })
  const memoized = pMemoize(fn, { cacheKey: ([key]) => key as string })
  const map = new Map<string, Promise<unknown>>()
  const byHand: Ask = (key) => {
    let promise = map.get(key)
    if (promise === undefined) map.set(key, (promise = fn(key)))
    return promise
  }
  const one = (name: string, of: string, ask: Ask, aside?: string): Asked => ({ name, version: of && version(of), ask, ...(aside === undefined ? {} : { aside }) })
  return [
    one('reprise', 'reprise', ours),
    one('bentocache getOrSet', 'bentocache', (key) => bento.getOrSet({ key, factory: () => fn(key) })),
    one('a Map of promises by hand + structuredClone', '', async (key) => structuredClone(await byHand(key))),
    one('a Map of promises by hand + JSON', '', async (key) => JSON.parse(JSON.stringify(await byHand(key)))),
    one('reprise, each caller with a deadline', 'reprise', patient, 'ours as well'),
    one('reprise, freeze: true', 'reprise', frozen, 'ours as well: one frozen object for all'),
    one('lru-cache fetch', 'lru-cache', (key) => lru.fetch(key), shares),
    one('async-cache-dedupe', 'async-cache-dedupe', (key) => dedupe.ask(key), shares),
    one('layered-loader', 'layered-loader', (key) => loader.get(key), shares),
    one('ocache', 'ocache', ocached, shares),
    one('p-memoize', 'p-memoize', memoized, shares),
    one('a Map of promises by hand', '', byHand, shares),
  ]
}

/** Nanoseconds per caller, the function's own turn of the event loop among them. */
export async function waiterRow(pace: Pace, progress: (line: string) => void): Promise<Result> {
  const reply = new Replies(1).next(2100)
  let runs = 0
  let used = 0
  const all = await askers(async () => {
    runs++
    await new Promise((done) => setImmediate(done))
    return structuredClone(reply)
  })
  const crowd = async ({ ask }: Asked): Promise<unknown[]> => {
    const key = `question ${used++}`
    const answers: Promise<unknown>[] = []
    for (let i = 0; i < waiters; i++) answers.push(ask(key))
    return Promise.all(answers)
  }

  const problems: string[] = []
  for (const one of all) {
    runs = 0
    const answers = await crowd(one)
    if (runs !== 1) problems.push(`${one.name} ran the function ${runs} times`)
    if (answers.some((answer) => JSON.stringify(answer) !== JSON.stringify(reply))) problems.push(`${one.name} answered something else`)
    if (one.aside === undefined && new Set(answers).size !== waiters) problems.push(`${one.name} handed out ${new Set(answers).size} objects, and does not say so`)
  }
  if (problems.length > 0) throw new VerificationError(`Nothing was timed, because these results are wrong:\n${problems.map((problem) => `calls/waiters: ${problem}`).join('\n')}`)

  progress('calls/waiters')
  const rounds = Math.min(pace.rounds, 100)
  const times: number[][] = all.map(() => [])
  // The first tenth warms up.
  for (let round = -Math.ceil(rounds / 10); round < rounds; round++) {
    for (const i of turn(all.length, Math.max(0, round))) {
      const started = performance.now()
      await crowd(all[i]!)
      const ns = ((performance.now() - started) * 1e6) / waiters
      if (round >= 0) times[i]!.push(ns)
    }
  }
  return {
    id: 'calls/waiters',
    what: `each of ${waiters} callers at once of a missing key: one run, a reply of 2.1 KB of its own for each`,
    unit: 'ns',
    asked: 8000,
    timed: all.map(({ name, version, aside }, i): Timed => ({ name, version, timing: timingOf(times[i]!), ...(aside === undefined ? {} : { aside }) })),
  }
}

// ---- misses, and tags -------------------------------------------------------------------------

export async function callRows(entries: number): Promise<Row[]> {
  return [await missRow(), await invalidateRow(entries), { ...(await taggedRow('five')), id: 'calls/get-5-tags', what: 'get(key) of a small entry with 5 tags, of 1,000 entries in turn' }]
}

async function missRow(): Promise<Row> {
  const fn = async (key: string): Promise<unknown> => ({ key })
  const ours = (await newCache()).wrap(fn, { name: 'ask' })
  const bento = bentoCache(5000)
  const lru = new LRUCache<string, object>({ max: 5000, fetchMethod: fn })
  const dedupe = createDedupe({ ttl: 3600, storage: { type: 'memory', options: { size: 5000 } } }).define('ask', fn)
  const loader = new Loader<object>({ inMemoryCache: { ttlInMsecs: 3_600_000, maxItems: 5000 }, dataSourceGetOneFn: fn })
  let asked = 0
  const next = (ask: Ask) => () => ask(`question ${asked++}`)
  const contestants: Contestant[] = [
    { name: 'reprise', version: version('reprise'), fn: next(ours) },
    { name: 'bentocache getOrSet', version: version('bentocache'), fn: next((key) => bento.getOrSet({ key, factory: () => fn(key) })) },
    { name: 'lru-cache fetch', version: version('lru-cache'), fn: next((key) => lru.fetch(key)), aside: shares },
    { name: 'async-cache-dedupe', version: version('async-cache-dedupe'), fn: next((key) => dedupe.ask(key)), aside: shares },
    { name: 'layered-loader', version: version('layered-loader'), fn: next((key) => loader.get(key)), aside: shares },
  ]
  return {
    id: 'calls/miss',
    what: 'a whole wrapped call that is a miss: a function that returns a small object at once',
    input: undefined,
    awaited: true,
    contestants,
    async verify({ fn }) {
      const question = `question ${asked}`
      return JSON.stringify(await fn(undefined)) === JSON.stringify({ key: question }) ? [] : ['returned something else']
    },
  }
}

async function invalidateRow(entries: number): Promise<Row> {
  const groups = 10_000
  const [ours, bento, cacheable] = [await newCache(), bentoCache(2 * entries), new Cacheable({ tags: true })]
  for (let i = 0; i < entries; i++) {
    const [key, value, tags] = [`entry:${i}`, { i }, ['all', `group:${i % groups}`]]
    await ours.set(key, value, { tags })
    await bento.set({ key, value, tags })
    await cacheable.set(key, value, { tags })
  }
  if (ours.stats().entries !== entries) throw new Error(`the cache holds ${ours.stats().entries} of ${entries} entries.`)
  const gets: Record<string, (key: string) => Promise<unknown>> = {
    reprise: (key) => ours.get(key),
    bentocache: (key) => bento.get({ key }),
    cacheable: (key) => cacheable.get(key),
  }
  return {
    id: 'calls/invalidate-tag',
    what: `one tag of 10,000 is invalidated, with ${entries} entries in memory that have two each`,
    input: 'group:0',
    others: Array.from({ length: groups - 1 }, (_, i) => `group:${i + 1}`),
    awaited: true,
    asked: 20_000,
    contestants: [
      { name: 'reprise', version: version('reprise'), fn: (tag: string) => ours.invalidate({ tag }) },
      { name: 'bentocache', version: version('bentocache'), fn: (tag: string) => bento.deleteByTag({ tags: [tag] }) },
      { name: 'cacheable', version: version('cacheable'), fn: (tag: string) => cacheable.tags.invalidateTag(tag) },
    ] as Contestant[],
    async verify({ name, fn }) {
      const get = gets[name]!
      if ((await get('entry:77')) === undefined) return ['has lost an entry']
      await fn('group:77')
      // Those that compare milliseconds need one to pass.
      await new Promise((done) => setTimeout(done, 5))
      if ((await get('entry:77')) !== undefined) return ['still has what was invalidated']
      return (await get('entry:78')) === undefined ? ['has lost what was not invalidated'] : []
    },
  }
}

async function taggedRow(which: 'five' | 'none'): Promise<Row> {
  const count = 1000
  const [ours, bento, cacheable] = [await newCache(), bentoCache(2 * count), new Cacheable({ tags: true })]
  const keys = Array.from({ length: count }, (_, i) => `entry:${i}`)
  const valueOf = (i: number): object => ({ id: i, name: 'an entry', more: ['a', 'b'] })
  for (const [i, key] of keys.entries()) {
    const value = valueOf(i)
    const tags = which === 'five' ? ['entry', `tenth:${i % 10}`, `hundredth:${i % 100}`, `group:${i >> 2}`, key] : undefined
    await ours.set(key, value, tags && { tags })
    await bento.set({ key, value, ...(tags && { tags }) })
    await cacheable.set(key, value, tags && { tags })
  }
  return {
    id: `calls/get-${which}`,
    what: '',
    input: 0,
    others: Array.from({ length: count - 1 }, (_, i) => ((i + 1) * 7) % count),
    awaited: true,
    contestants: [
      { name: 'reprise', version: version('reprise'), fn: (i: number) => ours.get(keys[i]!) },
      { name: 'bentocache', version: version('bentocache'), fn: (i: number) => bento.get({ key: keys[i]! }) },
      { name: 'cacheable', version: version('cacheable'), fn: (i: number) => cacheable.get(keys[i]!) },
    ] as Contestant[],
    verify: async ({ fn }) => (JSON.stringify(await fn(5)) === JSON.stringify(valueOf(5)) ? [] : ['returned something else']),
  }
}

/** Of every cache with itself: an entry with 5 tags, by one without. Both in the same turns. */
export async function taggedRatio(pace: Pace, progress: (line: string) => void): Promise<Result> {
  const [five, none] = [await taggedRow('five'), await taggedRow('none')]
  await verifyRows([five, none])
  progress('calls/get-tagged')
  const { timed } = await timeRow({ ...five, contestants: [...five.contestants, ...none.contestants] }, pace)
  const count = five.contestants.length
  const ratio = ({ name, version, timing }: Timed, plain: Timed): Timed => ({ name, version, timing: { min: timing.min / plain.timing.min, median: timing.median / plain.timing.median } })
  return {
    id: 'calls/get-tagged',
    what: 'get(key) of an entry with 5 tags, by the same of one without',
    unit: 'x',
    asked: 1.3,
    timed: timed.slice(0, count).map((one, i) => ratio(one, timed[count + i]!)),
  }
}
