/**
 * One of several processes that ask for the same key at one moment: many calls of a function that takes a while. Says `ready` first; at the next line of stdin it calls, and prints
 * a line of JSON: how often the function ran here, when its value was there and when the calls were answered (by the machine's clock, in milliseconds).
 *
 *   node program.mjs <storage: a directory, or redis://…> <calls> <ms>
 */
import { once } from 'node:events'
import { createCache, fileSystem } from '../../js/runtimes/node.js'
import { redis } from '../../js/storage/redis.js'

export interface FleetAnswer {
  runs: number
  made: number | null
  answered: number
  values: number
  events: string[]
}

const [place, calls, ms] = process.argv.slice(2) as [string, string, string]
const events: string[] = []
const cache = await createCache({ scope: 'fleet', storage: place.startsWith('redis') ? redis(place) : fileSystem({ directory: place }), onEvent: event => {
  if (event.type === 'storage-error') events.push(String(event.error))
} })
const machineMs = (): number => Number(process.hrtime.bigint()) / 1e6
let runs = 0
let made: number | null = null
const ask = cache.wrap(async (key: string) => {
  runs++
  await new Promise(resolve => setTimeout(resolve, Number(ms)))
  made = machineMs()
  return { key, by: process.pid }
}, { name: 'ask' })
// Connections are open by then.
await cache.get('warm')
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
await cache.close()
process.exit()
