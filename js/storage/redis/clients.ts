/**
 * The clients that a user may hand in, each as what the storage needs of one: to send a command, in a cluster to the node that has the key, and to listen. What differs between the
 * packages `redis` (4, 5, 6) and `ioredis` (5, 6), clients, pools and clusters, is here and nowhere else.
 */
import { Buffer } from 'node:buffer'
import { OptionError, show } from '../../errors.js'
import type { IoredisClient, NodeRedisClient, NodeRedisCluster } from '../redis.js'
import type { Subscriber } from './bus.js'

export type Args = (string | Buffer)[]
export type Send = (args: Args) => Promise<unknown>

/** What the storage knows of a client. Strings of replies are Buffers. */
export interface Link {
  readonly isCluster: boolean
  /** Goes before keys in commands. */
  readonly sentPrefix: string
  /** Stands before keys in the server, and so in patterns and replies of SCAN. */
  readonly storedPrefix: string
  /** In a cluster, to the node that has the key. */
  send(args: Args, key: string): Promise<unknown>
  /** To each node that has keys. `key` is one that may be asked for. */
  everywhere(key: string): Promise<Send[]>
  /** A connection of its own that can subscribe to channels; absent where the client makes none. `lost` is called when it breaks and is not mended. */
  listen?(lost: () => void): Promise<Subscriber>
  close?(): Promise<void>
}

/** For node-redis 5 and later (36 is `$`, a string of bytes), and 4. */
export const asBuffers = { typeMapping: { 36: Buffer }, returnBuffers: true }

function has<Name extends string>(value: unknown, name: Name): value is Record<Name, (...args: unknown[]) => unknown> {
  return typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function'
}

export function isClient(value: unknown): boolean {
  return has(value, 'sendCommand') || has(value, 'getBuffer')
}

export function linkTo(client: unknown): Link {
  if (has(client, 'getBuffer')) return linkToIoredis(client as unknown as IoredisClient)
  if (has(client, 'getSentinelNode')) throw new OptionError('redis: client', 'sentinels of node-redis are not supported. ioredis can: new Redis({ sentinels, name }).')
  if (has(client, 'nodeClient')) return linkToCluster(client as unknown as NodeRedisCluster)
  if (has(client, 'sendCommand')) return linkToClient(client as unknown as NodeRedisClient)
  throw new OptionError('redis: client', `${show(client)} is not a client of the package redis or ioredis.`)
}

function linkToClient(client: NodeRedisClient): Link {
  const send: Send = args => client.sendCommand(args, asBuffers)
  return { isCluster: false, ...nodeRedisPrefixes(client), send, everywhere: async () => [send], ...listening(client) }
}

/** Of clients of node-redis that can make another like themselves; pools cannot. */
function listening(client: object): Pick<Link, 'listen'> {
  if (!has(client, 'duplicate') || !has(client, 'subscribe')) return {}
  const { options, _options } = client as { options?: NodeRedisOptions; _options?: NodeRedisOptions }
  const { socket, defaults } = options ?? _options ?? {}
  // It does not try again by itself: that would keep a process alive whose own client was closed.
  const once = (socket: object | undefined): object => ({ socket: { ...socket, reconnectStrategy: false } })
  const changes = 'nodeClient' in client ? { defaults: { ...defaults, ...once(defaults?.socket) } } : once(socket)
  return { listen: async lost => nodeRedisSubscriber((client.duplicate as (changes: object) => NodeRedisListener)(changes), lost) }
}

interface NodeRedisOptions {
  socket?: object
  defaults?: { socket?: object }
}

export interface NodeRedisListener {
  on(event: 'error' | 'node-error', listener: () => void): unknown
  connect(): Promise<unknown>
  unref?(): void
  subscribe(channel: string, listener: (message: Buffer) => void, asBuffer: true): Promise<unknown>
  destroy?(): void
  disconnect(): Promise<unknown>
}

export function nodeRedisSubscriber(client: NodeRedisListener, lost: () => void): Subscriber {
  const close = async (): Promise<void> => {
    try {
      if (client.destroy !== undefined) client.destroy()
      else await client.disconnect()
    } catch {
      // It was not open.
    }
  }
  let connected = false
  // A cluster says 'node-error' where one of its connections breaks, of which one listens; the others would stay.
  for (const event of ['error', 'node-error'] as const) {
    client.on(event, () => {
      if (!connected) return
      lost()
      void close()
    })
  }
  return {
    async connect() {
      client.unref?.()
      await client.connect()
      connected = true
    },
    subscribe: async (channel, listener) => void (await client.subscribe(channel, listener, true)),
    close,
  }
}

function linkToCluster(cluster: NodeRedisCluster): Link {
  return {
    isCluster: true,
    ...nodeRedisPrefixes(cluster),
    send: (args, key) => cluster.sendCommand(key, args[0] === 'GET', args as never, asBuffers),
    everywhere: () =>
      Promise.all(
        cluster.masters.map(async master => {
          const node = await cluster.nodeClient(master as never)
          if (node === undefined) throw new Error('redis: the client has no connection to one of the masters.')
          return (args: Args) => node.sendCommand(args, asBuffers)
        }),
      ),
    ...listening(cluster),
  }
}

/** A prefix of the client: node-redis does not put it into commands that are sent as they are, so it is done here. */
function nodeRedisPrefixes(client: object): Pick<Link, 'sentPrefix' | 'storedPrefix'> {
  const { options, _options } = client as { options?: { keyPrefix?: unknown }; _options?: { keyPrefix?: unknown } }
  const prefix = String(options?.keyPrefix ?? _options?.keyPrefix ?? '')
  return { sentPrefix: prefix, storedPrefix: prefix }
}

function linkToIoredis(client: IoredisClient): Link {
  const sendTo =
    (to: IoredisClient): Send =>
    ([command, ...args]) =>
      // Not callBuffer(command, …): with enableAutoPipelining, ioredis 5 and 6 lose the name of the command.
      (to as unknown as Record<string, (...args: Args) => Promise<unknown>>)[`${String(command).toLowerCase()}Buffer`]!(...args)
  const send = sendTo(client)
  const { options } = client as { options?: { keyPrefix?: unknown } }
  return {
    isCluster: client.isCluster,
    // ioredis puts its own prefix before keys, but not before patterns.
    sentPrefix: '',
    storedPrefix: String(options?.keyPrefix ?? ''),
    send,
    async everywhere(key) {
      if (!client.isCluster) return [send]
      // It learns its nodes when it connects, which may be by the first command.
      if (client.status !== 'ready') await send(['GET', key])
      const { nodes } = client as unknown as { nodes(role: 'master'): IoredisClient[] }
      return nodes.call(client, 'master').map(sendTo)
    },
    async listen(lost) {
      // It does not try again by itself: that would keep a process alive whose own client was closed. What it is told before it is connected, it keeps until then.
      const { duplicate } = client as unknown as { duplicate(...changes: object[]): IoredisListener }
      const changes = { [client.isCluster ? 'clusterRetryStrategy' : 'retryStrategy']: () => null, enableOfflineQueue: true }
      return ioredisSubscriber(duplicate.apply(client, client.isCluster ? [[], changes] : [changes]), lost)
    },
  }
}

interface IoredisListener {
  on(event: 'error', listener: () => void): unknown
  on(event: 'messageBuffer', listener: (channel: Buffer, message: Buffer) => void): unknown
  on(event: 'ready' | 'end', listener: () => void): unknown
  subscribe(channel: string): Promise<unknown>
  disconnect(): void
  readonly stream?: { unref?(): void }
}

function ioredisSubscriber(client: IoredisListener, lost: () => void): Subscriber {
  client.on('error', () => {})
  client.on('end', lost)
  client.on('ready', () => client.stream?.unref?.())
  return {
    // It does so by itself.
    async connect() {},
    async subscribe(channel, listener) {
      client.on('messageBuffer', (from, message) => {
        if (String(from) === channel) listener(message)
      })
      await client.subscribe(channel)
    },
    async close() {
      client.disconnect()
    },
  }
}
