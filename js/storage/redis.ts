/**
 * Redis and Valkey, by way of `redis` (node-redis) or `ioredis`: one string per entry, under a prefix, with the server's own expiry.
 *
 * What is read in one tick is read by one MGET. In a cluster each key has its own node, so there it is one GET each, which the
 * client writes together. Only GET, MGET, SET, UNLINK, SCAN, and for leases and news INCR, PEXPIRE, PUBLISH and SUBSCRIBE are sent: no script, no KEYS, no FLUSHDB.
 *
 * Whose reply is whose is the client's to know; here it is only checked that the reply to MGET has as many values as were asked
 * for. How long to wait is for the guard in front of every storage to say.
 */
import { Buffer } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import { nextTick } from 'node:process'
import { OptionError, show } from '../errors.js'
import { RedisBus, type Subscriber } from './redis-bus.js'
import type { Lease, Storage } from './storage.js'

/** A client of the package `redis`, or a pool of them (createClientPool). It has to be connected, and to have an 'error' listener. */
export interface NodeRedisClient {
  sendCommand(args: readonly (string | Uint8Array)[], options?: object): Promise<unknown>
}

/** createCluster() of the package `redis`, connected. */
export interface NodeRedisCluster {
  readonly masters: readonly object[]
  nodeClient(node: never): NodeRedisClient | Promise<NodeRedisClient> | undefined
  sendCommand(firstKey: string | undefined, isReadonly: boolean | undefined, args: never, options?: object): Promise<unknown>
}

/** `Redis` or `Cluster` of the package `ioredis`. */
export interface IoredisClient {
  readonly status: string
  readonly isCluster: boolean
  getBuffer(key: string): Promise<unknown>
}

export type RedisClient = NodeRedisClient | NodeRedisCluster | IoredisClient

export interface RedisOptions {
  /** `redis://` or, for TLS, `rediss://user:password@host:6379/0`. The package `redis` is loaded when it is first needed. */
  url?: string
  /** In place of `url`; whoever made it closes it. */
  client?: RedisClient
  /** Every key begins with it. Default `reprise:`. */
  prefix?: string
}

/** A reply to MGET is one array: this many keys at once, and other clients of the server do not wait long for theirs. */
const mostKeysAtOnce = 256
/** What SCAN looks at per step. */
const scanStep = 1000

/**
 * Takes a client, a URL, or options. Nothing is sent and no package is loaded before the first operation.
 * Throws OptionError where it is none of these.
 */
export function redis(given: RedisClient | string | RedisOptions): Storage {
  const { link, prefix } = parse(given)
  /** What stands before a key in a command, and in the server: some clients add a prefix of their own. */
  const sent = link.sentPrefix + prefix
  const stored = link.storedPrefix + prefix
  const gets = new Batch(link, sent)
  const bus = new RedisBus(`${stored}news`, link.listen && (lost => link.listen!(lost)), (channel, message) => link.send(['PUBLISH', channel, Buffer.from(message)], sent))

  /** Keys as the server has them, a page at a time. */
  async function* pages(): AsyncGenerator<string[]> {
    const pattern = `${stored.replace(/[*?[\]\\]/g, '\\$&')}*`
    for (const send of await link.everywhere(sent)) {
      let cursor = '0'
      do {
        const reply = await send(['SCAN', cursor, 'MATCH', pattern, 'COUNT', `${scanStep}`])
        if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw unexpected('SCAN', reply)
        cursor = String(reply[0])
        // Within a page the same key can come twice.
        yield [...new Set(reply[1].map(String))].filter(key => key.startsWith(stored)).map(key => key.slice(stored.length)).filter(key => /^[0-9a-f]+$/.test(key))
      } while (cursor !== '0')
    }
  }

  const leaseOf = (key: string): string => `${sent}lease:${key}`
  const forget = (key: string): Promise<unknown> => link.send(['UNLINK', sent + key], sent + key)

  return {
    shared: true,

    get: key => gets.get(key),

    async set(key, entry, { expiresAt }) {
      const bytes = Buffer.from(entry.buffer, entry.byteOffset, entry.byteLength)
      // A duration, not a time: the server's clock need not agree with ours.
      const life = expiresAt === undefined ? Infinity : Math.ceil(expiresAt - Date.now())
      // What is over replaces what was there as well: nothing is left of either.
      if (life <= 0) return void (await forget(key))
      // Redis refuses what would overflow its clock, and nobody waits that long.
      const expiry = life < 1e15 ? ['PX', `${life}`] : []
      await link.send(['SET', sent + key, bytes, ...expiry], sent + key)
    },

    async add(key, entry) {
      return (await link.send(['SET', sent + key, Buffer.from(entry), 'NX'], sent + key)) !== null
    },

    async delete(key) {
      await forget(key)
    },

    async *keys() {
      for await (const page of pages()) yield* page
    },

    async clear() {
      for await (const page of pages()) await Promise.all(page.map(forget))
    },

    async lease(key, leaseMs) {
      const place = leaseOf(key)
      const counter = `${sent}fence`
      const mine = randomBytes(16).toString('hex')
      const asked = performance.now()
      if ((await link.send(['SET', place, mine, 'NX', 'PX', `${leaseMs}`], place)) === null) return undefined
      // Counted while it is held: so those who had it before have smaller numbers.
      const fence = Number(await link.send(['INCR', counter], counter))
      if (performance.now() - asked >= leaseMs) return undefined
      let renewed = asked
      const isMine = async (): Promise<boolean> => String((await link.send(['GET', place], place)) ?? '') === mine
      return {
        fence,
        async renew() {
          const now = performance.now()
          if (!(await isMine()) || Number(await link.send(['PEXPIRE', place, `${leaseMs}`], place)) !== 1) return false
          renewed = now
          return true
        },
        async release() {
          // So long after it was renewed it may be another's.
          if (performance.now() - renewed > leaseMs / 2 && !(await isMine())) return
          await Promise.all([link.send(['UNLINK', place], place), bus.wake(key)])
        },
      } satisfies Lease
    },

    async released(key, ms) {
      const woken = bus.woken(key, ms)
      // Given back since it was asked for, it may have been announced before anybody listened here.
      if ((await link.send(['GET', leaseOf(key)], leaseOf(key))) !== null) await woken
    },

    publish: message => bus.publish(message),
    subscribe: listener => bus.subscribe(listener),

    async close() {
      await bus.close()
      await link.close?.()
    },
  }
}

// ---- reading ------------------------------------------------------------------------------------

interface Wanted {
  readonly key: string
  found(bytes: Uint8Array | undefined): void
  failed(error: unknown): void
}

/** Gathers what is asked for until everything that is ready to run has run, and asks for it together. */
class Batch {
  private wanted: Wanted[] = []

  constructor(
    private readonly link: Link,
    private readonly prefix: string,
  ) {}

  get(key: string): Promise<Uint8Array | undefined> {
    return new Promise((found, failed) => {
      // After all promises that are settled by now, and those that they settle.
      if (this.wanted.push({ key: this.prefix + key, found, failed }) === 1) queueMicrotask(() => nextTick(() => this.ask()))
    })
  }

  private ask(): void {
    const { wanted } = this
    this.wanted = []
    const size = this.link.isCluster ? 1 : mostKeysAtOnce
    for (let i = 0; i < wanted.length; i += size) {
      const some = wanted.slice(i, i + size)
      this.read(some).catch(error => some.forEach(({ failed }) => failed(error)))
    }
  }

  private async read(wanted: Wanted[]): Promise<void> {
    const keys = wanted.map(({ key }) => key)
    const one = keys.length === 1
    const reply = await this.link.send([one ? 'GET' : 'MGET', ...keys], keys[0]!).catch(async (error: unknown) => {
      // Not ours, but in the place of something that is. MGET would have called it absent, and SET would replace it.
      if (one && /^WRONGTYPE\b/.test((error as Error | undefined)?.message ?? '')) await this.link.send(['UNLINK', keys[0]!], keys[0]!).catch(() => {})
      throw error
    })
    const values = one ? [reply] : reply
    if (!Array.isArray(values) || values.length !== keys.length) throw unexpected('MGET', reply)
    values.forEach((value: unknown, i) => {
      const { found, failed } = wanted[i]!
      if (value === null || value === undefined) found(undefined)
      // A copy: what the client read lies in a buffer among other replies.
      else if (value instanceof Uint8Array) found(new Uint8Array(value))
      else failed(unexpected('GET', value))
    })
  }
}

function unexpected(command: string, reply: unknown): Error {
  return new Error(`redis: ${command} was answered with ${show(reply)}, which is no answer to it.`)
}

// ---- clients ------------------------------------------------------------------------------------

type Args = (string | Buffer)[]
type Send = (args: Args) => Promise<unknown>

/** What the rest of this file knows of a client. Strings of replies are Buffers. */
interface Link {
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
const asBuffers = { typeMapping: { 36: Buffer }, returnBuffers: true }

function parse(given: unknown): { link: Link; prefix: string } {
  const options: { url?: unknown; client?: unknown; prefix?: unknown } = typeof given === 'string' ? { url: given } : isClient(given) ? { client: given } : ((given ?? {}) as object)
  const { url, client, prefix = 'reprise:' } = options
  if (typeof prefix !== 'string' || prefix === '') throw new OptionError('redis: prefix', `${show(prefix)} is not a text of one character or more. Leave it out for 'reprise:'.`)
  if (client !== undefined && url !== undefined) throw new OptionError('redis', 'both a client and a url are given. Give one of them.')
  if (client !== undefined) return { link: linkTo(client), prefix }
  if (typeof url !== 'string' || !/^rediss?:\/\/./.test(url) || !URL.canParse(url)) {
    // A URL has a password in it: it is not shown.
    const what = typeof url === 'string' ? 'this text' : show(url ?? given)
    throw new OptionError('redis', `${what} is neither a client nor a URL. Give a client of the package redis or ioredis, or a text such as 'redis://localhost:6379' ('rediss://' for TLS).`)
  }
  return { link: new OwnClient(url), prefix }
}

function has<Name extends string>(value: unknown, name: Name): value is Record<Name, (...args: unknown[]) => unknown> {
  return typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function'
}

function isClient(value: unknown): boolean {
  return has(value, 'sendCommand') || has(value, 'getBuffer')
}

function linkTo(client: unknown): Link {
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

interface NodeRedisListener {
  on(event: 'error', listener: () => void): unknown
  connect(): Promise<unknown>
  unref?(): void
  subscribe(channel: string, listener: (message: Buffer) => void, asBuffer: true): Promise<unknown>
  destroy?(): void
  disconnect(): Promise<unknown>
}

function nodeRedisSubscriber(client: NodeRedisListener, lost: () => void): Subscriber {
  client.on('error', lost)
  return {
    async connect() {
      client.unref?.()
      await client.connect()
    },
    subscribe: async (channel, listener) => void (await client.subscribe(channel, listener, true)),
    async close() {
      try {
        if (client.destroy !== undefined) client.destroy()
        else await client.disconnect()
      } catch {
        // It was not open.
      }
    },
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
      // It does not try again by itself: that would keep a process alive whose own client was closed.
      const [never, { duplicate }] = [() => null, client as unknown as { duplicate(...changes: object[]): IoredisListener }]
      return ioredisSubscriber(duplicate.apply(client, client.isCluster ? [[], { clusterRetryStrategy: never }] : [{ retryStrategy: never }]), lost)
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

// ---- a client of our own ------------------------------------------------------------------------

type Client = ReturnType<typeof import('redis').createClient>

interface Connection {
  client: Client | undefined
  ready: boolean
  readonly opened: Promise<Client>
  /** Commands without an answer yet, */
  waiting: number
  /** and when the last answer came, or the first of them was sent; by Date.now(). */
  heard: number
  /** Why it was given up, where the client does not know. */
  givenUp?: Error
}

/** A server that has not said a word for so long, though it was asked, is taken for gone: the next command gets a new connection. */
const silenceMs = 5000

/**
 * A connection that is made when it is needed and never mended: what breaks is dropped, with everything that waits for it, and
 * the next command makes another. So no reply can outlive its connection, no timer tries again behind our back, and, as an idle
 * connection keeps no process alive, a program that forgets close() ends all the same.
 */
class OwnClient implements Link {
  readonly isCluster = false
  readonly sentPrefix = ''
  readonly storedPrefix = ''
  private current: Connection | undefined
  private closed = false

  constructor(private readonly url: string) {}

  async send(args: Args): Promise<unknown> {
    if (this.closed) throw new Error('redis: this storage is closed.')
    const connection = this.live() ?? (this.current = this.connect())
    if (connection.waiting++ === 0) {
      connection.heard = Date.now()
      connection.client?.ref()
    }
    try {
      const client = connection.ready ? connection.client! : await connection.opened
      return await client.sendCommand(args, asBuffers)
    } catch (error) {
      throw connection.givenUp ?? error
    } finally {
      connection.heard = Date.now()
      if (--connection.waiting === 0) connection.client?.unref()
    }
  }

  async everywhere(): Promise<Send[]> {
    return [args => this.send(args)]
  }

  async listen(lost: () => void): Promise<Subscriber> {
    return nodeRedisSubscriber((await this.create()) as unknown as NodeRedisListener, lost)
  }

  async close(): Promise<void> {
    this.closed = true
    this.drop(this.current)
  }

  private live(): Connection | undefined {
    const { current } = this
    if (current !== undefined && current.waiting > 0 && Date.now() - current.heard > silenceMs) {
      current.givenUp = new Error(`redis: the server said nothing for ${silenceMs / 1000} seconds, so its connection was given up.`)
      this.drop(current)
    }
    return this.current
  }

  private connect(): Connection {
    const open = async (): Promise<Client> => {
      const client = await this.create()
      // Without a listener, a lost connection would end the process. Those who wait for an answer hear of it from the client;
      // it is let go afterwards, lest they hear only that it was closed.
      client.on('error', () => queueMicrotask(() => this.drop(connection)))
      connection.client = client
      if (this.current !== connection) throw new Error('redis: the connection was given up.')
      await client.connect()
      connection.ready = true
      return client
    }
    const connection: Connection = {
      client: undefined,
      ready: false,
      waiting: 0,
      heard: Date.now(),
      opened: Promise.resolve().then(open).catch((error: unknown) => {
        this.drop(connection)
        throw error
      }),
    }
    return connection
  }

  private async create(): Promise<Client> {
    const { createClient } = await load()
    return createClient({
      url: this.url,
      // The older protocol and no greetings: then a server sees nothing of us but AUTH, SELECT and what is documented.
      RESP: 2,
      disableClientInfo: true,
      maintNotifications: 'disabled',
      socket: { reconnectStrategy: false, connectTimeout: silenceMs },
    }) as unknown as Client
  }

  private drop(connection: Connection | undefined): void {
    if (connection === undefined) return
    if (this.current === connection) this.current = undefined
    const { client } = connection
    connection.client = undefined
    try {
      // node-redis 4 calls it disconnect(), and waits with it where there is no connection.
      if (client?.destroy !== undefined) client.destroy()
      else void Promise.resolve(client?.disconnect()).catch(() => {})
    } catch {
      // It was gone already.
    }
  }
}

async function load(): Promise<typeof import('redis')> {
  try {
    return await import('redis')
  } catch (error) {
    throw new Error('redis: a URL needs the package redis, which could not be loaded. To do: npm install redis', { cause: error })
  }
}
