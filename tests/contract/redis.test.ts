import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { type RedisClient, redis } from '../../js/storage/redis.js'
import type { Storage } from '../../js/storage/storage.js'
import { programs, type RedisServer, startCluster, startRedis } from './redis-server.js'
import { storageContract } from './storage-contract.js'

const key = (n: number): string => n.toString(16).padStart(64, '0')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

// ---- the contract, over every way to give a client ------------------------------------------------

let places = 0

/** Each place is a prefix of its own; what the clients have that are opened for it is closed with it. */
function contractOver(name: string, open: (prefix: string) => Promise<{ open(): Storage; close(): Promise<void> }>): void {
  storageContract(name, async () => {
    const opened = await open(`place-${places++}[*]:`)
    return {
      open: opened.open,
      async remove() {
        const storage = opened.open()
        await storage.clear!()
        await storage.close!()
        await opened.close()
      },
    }
  })
}

for (const program of programs) {
  let server: RedisServer
  let cluster: Awaited<ReturnType<typeof startCluster>>
  before(async () => {
    server = await startRedis({ program })
    cluster = await startCluster(program)
  })
  after(async () => {
    await server.stop()
    await cluster.stop()
  })

  contractOver(`${program}, by its URL`, async prefix => ({ open: () => redis({ url: server.url, prefix }), close: async () => {} }))

  contractOver(`${program}, by node-redis`, async prefix => {
    const client = await createClient({ url: server.url }).on('error', () => {}).connect()
    return { open: () => redis({ client, prefix }), close: async () => client.destroy() }
  })

  contractOver(`${program}, by node-redis with a prefix of its own and RESP 2`, async prefix => {
    const client = await createClient({ url: server.url, keyPrefix: 'theirs?:', RESP: 2 }).on('error', () => {}).connect()
    return { open: () => redis({ client, prefix }), close: async () => client.destroy() }
  })

  contractOver(`${program}, by ioredis`, async prefix => {
    const client = new Redis(server.url)
    return { open: () => redis({ client, prefix }), close: async () => client.disconnect() }
  })

  contractOver(`${program}, by ioredis with a prefix of its own, pipelining by itself`, async prefix => {
    const client = new Redis(server.url, { keyPrefix: 'theirs?:', enableAutoPipelining: true })
    return { open: () => redis({ client, prefix }), close: async () => client.disconnect() }
  })

  contractOver(`a cluster of ${program}, by node-redis`, async prefix => {
    const client = createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) })
    await client.on('error', () => {}).connect()
    return { open: () => redis({ client, prefix }), close: async () => client.destroy() }
  })

  contractOver(`a cluster of ${program}, by ioredis`, async prefix => {
    const client = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })))
    return { open: () => redis({ client, prefix }), close: async () => client.disconnect() }
  })
}
