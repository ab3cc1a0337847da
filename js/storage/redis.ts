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
import { isBytes } from '../is-a.js'
import { checkNames } from '../units.js'
import { RedisBus } from './redis/bus.js'
import { isClient, type Link, linkTo } from './redis/clients.js'
import { OwnClient } from './redis/own-client.js'
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
export function redis(given: RedisClient | string | RedisOptions): Storage
export function redis(given: RedisClient | string | RedisOptions, ...more: unknown[]): Storage {
  if (more.length > 0) throw new OptionError('redis', 'a second argument is given. Give one: redis({ url, prefix }), or redis({ client, prefix }).')
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
      const fence = await link.send(['INCR', counter], counter).then(Number, async (error: unknown) => {
        // A place without a number is nobody's: the next one need not wait until its time is over.
        await link.send(['UNLINK', place], place).catch(() => {})
        throw error
      })
      let renewed = asked
      const isMine = async (): Promise<boolean> => String((await link.send(['GET', place], place)) ?? '') === mine
      const lease: Lease = {
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
      }
      if (performance.now() - asked < leaseMs) return lease
      // The server may count from later on.
      await lease.release().catch(() => {})
      return undefined
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
      else if (isBytes(value)) found(new Uint8Array(value))
      else failed(unexpected('GET', value))
    })
  }
}

function unexpected(command: string, reply: unknown): Error {
  return new Error(`redis: ${command} was answered with ${show(reply)}, which is no answer to it.`)
}

function parse(given: unknown): { link: Link; prefix: string } {
  const options: { url?: unknown; client?: unknown; prefix?: unknown } = typeof given === 'string' ? { url: given } : isClient(given) ? { client: given } : ((given ?? {}) as object)
  if (options === given) checkNames('redis', options, ['url', 'client', 'prefix'])
  const { url, client, prefix = 'reprise:' } = options
  if (typeof prefix !== 'string' || prefix === '') throw new OptionError('redis: prefix', `${show(prefix)} is not a text of one character or more. Leave it out for 'reprise:'.`)
  if (client !== undefined && url !== undefined) throw new OptionError('redis', 'both a client and a url are given. Give one of them.')
  if (client !== undefined) return { link: linkTo(client), prefix }
  if (typeof url !== 'string' || !/^rediss?:\/\/./.test(url) || !URL.canParse(url)) {
    // A URL has a password in it: it is not shown.
    const what = typeof url === 'string' ? 'this text' : show(url ?? given)
    throw new OptionError('redis', `${what} is neither a client nor a URL. Give a client of the package redis or ioredis, or a text such as 'redis://localhost:6379' ('rediss://' for TLS).`)
  }
  const { pathname } = new URL(url)
  if (!/^\/?\d*$/.test(pathname)) throw new OptionError('redis: url', `its path is ${show(pathname)}, which is not the number of a database. Give a text such as 'redis://localhost:6379/0', and a prefix as redis({ url, prefix }).`)
  return { link: new OwnClient(url), prefix }
}
