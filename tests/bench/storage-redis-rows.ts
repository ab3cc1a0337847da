/** 64 entries of 2 KB out of Redis on loopback, asked for at once: ours, and what a client does with as many GETs. */
import { Redis } from 'ioredis'
import { createClient, RESP_TYPES } from 'redis'
import { redis } from '../../js/storage/redis.js'
import { startRedis } from '../contract/redis-server.js'
import { type Contestant, type Pace, type Result, type Row, timeRow, verifyRows } from './harness.js'

const count = 64
const entryBytes = 2_000
const version = (name: string): string => versions[name]!

/** Nanoseconds per key. */
export async function redisRow(pace: Pace, progress: (line: string) => void): Promise<Result> {
  const server = await startRedis()
  const node = await createClient({ url: server.url }).on('error', () => {}).connect()
  const io = new Redis(server.url)
  const byUrl = redis(server.url)
  try {
    const ours = redis(node)
    const entries = Array.from({ length: count }, (_, i) => new Uint8Array(entryBytes).map((_, at) => at * 7 + i))
    const names = entries.map((_, i) => i.toString(16).padStart(64, '0'))
    await Promise.all(names.map((name, i) => ours.set(name, entries[i]!, {})))
    const stored = names.map(name => `reprise:${name}`)
    const buffers = node.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer })
    const contestants: Contestant[] = [
      { name: 'reprise, redis(a client of node-redis)', version: version('reprise'), fn: () => Promise.all(names.map(ours.get)) },
      { name: 'node-redis get', version: version('redis'), fn: () => Promise.all(stored.map(name => buffers.get(name))) },
      { name: 'reprise, redis(a URL)', version: version('reprise'), fn: () => Promise.all(names.map(byUrl.get)), aside: 'ours as well' },
      { name: 'node-redis mGet', version: version('redis'), fn: () => buffers.mGet(stored), aside: 'one command, written by hand' },
      { name: 'ioredis getBuffer', version: version('ioredis'), fn: () => Promise.all(stored.map(name => io.getBuffer(name))), aside: 'another client' },
    ]
    const row: Row = {
      id: 'storage/redis-get64',
      what: `each of ${count} entries of ${entryBytes / 1000} KB that are asked for at once, out of Redis on loopback`,
      input: undefined,
      awaited: true,
      contestants,
      async verify({ fn }) {
        const found = (await fn(undefined)) as Uint8Array[]
        return found.length === count && found.every((bytes, i) => Buffer.compare(bytes, entries[i]!) === 0) ? [] : ['found something else']
      },
    }
    await verifyRows([row])
    progress(row.id)
    const { timed, ...rest } = await timeRow(row, pace)
    const perKey = timed.map(one => ({ ...one, timing: { min: one.timing.min / count, median: one.timing.median / count } }))
    return { ...rest, timed: perKey, asked: perKey[1]!.timing.median / 2 }
  } finally {
    node.destroy()
    io.disconnect()
    await byUrl.close!()
    await server.stop()
  }
}
