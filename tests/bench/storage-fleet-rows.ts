/** What many who share a storage have of it: one computation for all; and what a storage that has fallen silent costs. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { createCache } from '../../js/runtimes/node.js'
import { redis } from '../../js/storage/redis.js'
import { newProfile, newTab, startChromium, startSite } from '../contract/chromium.js'
import { FaultProxy } from '../contract/fault-proxy.js'
import { startRedis } from '../contract/redis-server.js'
import { startFleet } from '../torture/fleet.js'
import { type Pace, type Result, type Timed, VerificationError } from './harness.js'

const version = (name: string): string => versions[name]!

function timed(name: string, of: string, values: readonly number[], aside?: string): Timed {
  const sorted = [...values].sort((a, b) => a - b)
  return { name, version: of && version(of), timing: { min: sorted[0]!, median: sorted[sorted.length >> 1]! }, ...(aside === undefined ? {} : { aside }) }
}

const last = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.99)]!

/** Four processes, 250 calls each of one key, a function of 50 ms. */
export async function fleetRows(pace: Pace, progress: (line: string) => void): Promise<Result[]> {
  const server = await startRedis()
  const directory = await mkdtemp(join(tmpdir(), 'reprise-bench-fleet-'))
  const waves = Math.max(15, Math.round(pace.rounds / 3))
  const results: Result[] = []
  try {
    for (const [id, ours, theirs] of [['storage/fleet-redis', server.url, server.url], ['storage/fleet-directory', join(directory, 'ours'), join(directory, 'theirs')]] as const) {
      progress(id)
      const fleets = [await startFleet(ours), await startFleet(theirs, { peer: 'bentocache' })]
      const wakes: number[][] = [[], []]
      const runs: Set<number>[] = [new Set(), new Set()]
      for (let wave = 0; wave < waves; wave++) {
        for (const [i, fleet] of fleets.entries()) {
          const { runs: ran, wakeMs, errors } = await fleet.ask(`wave ${wave}`)
          runs[i]!.add(ran)
          wakes[i]!.push(...wakeMs)
          if (i === 0 && (ran !== 1 || errors.length > 0)) throw new VerificationError(`${id}: the function ran ${ran} times, where once was right. ${errors.join(' ')}`)
        }
      }
      for (const fleet of fleets) await fleet.end()
      results.push({
        id, unit: 'ms', asked: 5,
        what: '4 processes x 250 calls of one key, a function of 50 ms: from when the value is there until the others have it',
        timed: [
          timed('reprise (1 run)', 'reprise', wakes[0]!),
          timed('bentocache getOrSet', 'bentocache', wakes[1]!, `it runs the function in each process, ${[...runs[1]!].join(' or ')} times in all, so nobody waits for another's value`),
          timed('reprise, the slowest of a hundred', 'reprise', [last(wakes[0]!)], 'asked: 20 ms'),
        ],
      })
    }
    return results
  } finally {
    await server.stop()
    await rm(directory, { recursive: true, force: true })
  }
}

/** Two tabs of a browser that ask for the same at one moment. */
export async function tabsRow(pace: Pace, progress: (line: string) => void): Promise<Result> {
  progress('storage/tabs')
  const [site, profile] = await Promise.all([startSite(), newProfile()])
  const chromium = await startChromium(profile.path)
  try {
    const tabs = [await newTab(chromium.context, site), await newTab(chromium.context, site)]
    const found: number[] = []
    for (const { page } of tabs) {
      await page.evaluate(async () => {
        const cache = await kit.createCache({ storageDeadline: '5s' })
        const state = { runs: 0, made: 0 }
        const ask = cache.wrap(async (_: string) => {
          state.runs++
          await new Promise(resolve => setTimeout(resolve, 50))
          state.made = performance.timeOrigin + performance.now()
          return 'the answer'
        }, { name: 'ask' })
        Object.assign(globalThis, { asking: async (key: string) => {
          Object.assign(state, { runs: 0, made: 0 })
          await ask(key)
          return { ...state, answered: performance.timeOrigin + performance.now() }
        } })
      })
    }
    for (let wave = 0; wave < Math.max(10, pace.rounds / 5); wave++) {
      const asked = tabs.map(({ page }) => page.evaluate(key => (globalThis as unknown as { asking(key: string): Promise<{ runs: number; made: number; answered: number }> }).asking(key), `wave ${wave}`))
      const [one, two] = (await Promise.all(asked)) as [Awaited<(typeof asked)[0]>, Awaited<(typeof asked)[0]>]
      const [maker, waiter] = one.runs === 1 ? [one, two] : [two, one]
      if (one.runs + two.runs !== 1) throw new VerificationError(`storage/tabs: the function ran ${one.runs + two.runs} times, where once was right.`)
      found.push(waiter.answered - maker.made)
    }
    return { id: 'storage/tabs', unit: 'ms', what: 'two tabs, the same call, a function of 50 ms: from when the value is there until the other tab has it', timed: [timed('reprise (1 run)', 'reprise', found)] }
  } finally {
    await chromium.close()
    site.close()
    await profile.remove()
  }
}

/** A Redis that takes connections and never answers: what a call takes beside its function, the first time and from then on. */
export async function blackholeRows(progress: (line: string) => void): Promise<Result[]> {
  progress('storage/blackhole')
  const server = await startRedis()
  const proxy = await FaultProxy.to(server.port)
  const patienceMs = 3_000
  try {
    const first: number[] = []
    const later: number[] = []
    for (let round = 0; round < 3; round++) {
      await proxy.turn('pass')
      const cache = await createCache({ scope: 'bench', storage: redis(proxy.url) })
      const ask = cache.wrap(async (n: number) => ({ n, round }), { name: `ask ${round}` })
      await ask(0)
      await cache.settled()
      await proxy.turn('blackhole')
      for (let n = 1; n <= 200; n++) {
        const began = performance.now()
        if ((await ask(n)).n !== n) throw new VerificationError('storage/blackhole: a call was answered with something else.')
        ;(n === 1 ? first : later).push(performance.now() - began)
      }
      await cache.close()
    }
    await proxy.turn('pass')
    const connection = new Redis(proxy.url, { maxRetriesPerRequest: null })
    connection.on('error', () => {})
    const bento = new BentoCache({ default: 'both', ttl: '1h', stores: { both: bentostore().useL1Layer(memoryDriver()).useL2Layer(redisDriver({ connection })) } })
    await bento.getOrSet({ key: 'warm', factory: () => 1 })
    await proxy.turn('blackhole')
    const began = performance.now()
    let ran = false
    await Promise.race([bento.getOrSet({ key: 'new', factory: () => { ran = true; return 1 } }), new Promise(resolve => setTimeout(resolve, patienceMs))])
    const theirs = timed('bentocache getOrSet', 'bentocache', [performance.now() - began], ran ? undefined : `it was given up after ${patienceMs / 1000} s: the function had not been called`)
    connection.disconnect()
    const row = (id: string, what: string, values: number[], asked: number): Result => ({ id, unit: 'ms', what: `a Redis that has fallen silent: ${what}`, asked, timed: [timed('reprise', 'reprise', values), theirs] })
    return [row('storage/blackhole-first', 'the first call', first, 300), row('storage/blackhole', 'each call from then on', later, 1)]
  } finally {
    await proxy.turn('pass')
    await proxy.stop()
    await server.stop()
  }
}
