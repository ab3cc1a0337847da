/**
 * One of several processes that ask for the same key at one moment: many calls of a function that takes a while. Says `ready` first; at the next line of stdin it calls, and prints
 * a line of JSON: how often the function ran here, when its value was there and when the calls were answered (by the machine's clock, in milliseconds).
 *
 *   node program.mjs <storage: a directory, or redis://…> <calls> <ms> [bentocache]
 */
import { once } from 'node:events'
import { BentoCache, bentostore } from 'bentocache'
import { fileDriver } from 'bentocache/drivers/file'
import { memoryDriver } from 'bentocache/drivers/memory'
import { redisDriver } from 'bentocache/drivers/redis'
import { Redis } from 'ioredis'
import { createCache, fileSystem } from '../../js/runtimes/node.js'
import { redis } from '../../js/storage/redis.js'

export interface FleetAnswer {
  runs: number
  made: number | null
  answered: number
  values: number
  events: string[]
}

const [place, calls, ms, peer] = process.argv.slice(2) as [string, string, string, string | undefined]
const events: string[] = []
const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6
let runs = 0
let made: number | null = null
const compute = async (key: string): Promise<{ key: string; by: number }> => {
  runs++
  await new Promise(resolve => setTimeout(resolve, Number(ms)))
  made ??= machineMs()
  return { key, by: process.pid }
}
const { ask, warm, close } = await (peer === 'bentocache' ? bentocache() : reprise())

async function reprise() {
  // (A machine that is busy with other things may hold a process up for longer than an operation has.)
  const cache = await createCache({ scope: 'fleet', storageDeadline: '30s', storage: place.startsWith('redis') ? redis(place) : fileSystem({ directory: place }), onEvent: event => {
    if (event.type === 'storage-error') events.push(String(event.error))
  } })
  return { ask: cache.wrap(compute, { name: 'ask' }), warm: () => cache.get('warm'), close: () => cache.close() }
}

async function bentocache() {
  const connection = place.startsWith('redis') ? new Redis(place) : undefined
  const far = connection === undefined ? fileDriver({ directory: place, pruneInterval: false }) : redisDriver({ connection })
  const bento = new BentoCache({ default: 'both', ttl: '1h', stores: { both: bentostore().useL1Layer(memoryDriver()).useL2Layer(far) } })
  return { ask: (key: string) => bento.getOrSet({ key, factory: () => compute(key) }) as ReturnType<typeof compute>, warm: () => bento.get({ key: 'warm' }), close: () => bento.disconnectAll() }
}

// Connections are open by then.
await warm()
console.log('ready')
for (;;) {
  const [key] = (await once(process.stdin, 'data')) as [Buffer]
  const name = String(key).trim()
  if (name === 'end') break
  runs = 0
  made = null
  events.length = 0
  const values = await Promise.all(Array.from({ length: Number(calls) }, () => ask(name)))
  const answered = machineMs()
  console.log(JSON.stringify({ runs, made, answered, values: new Set(values.map(({ by }) => by)).size, events } satisfies FleetAnswer))
}
await close()
process.exit()
