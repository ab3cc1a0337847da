/**
 * Upstash Redis, by its client `@upstash/redis`, which speaks HTTP and so runs where there is no TCP. One string per entry, under a prefix, with the server's own expiry.
 *
 * The protocol is JSON, so bytes travel, and lie there, as base64: a third more of them. A letter stands before it, as the client takes answers that look
 * like JSON for JSON: without it a token could come back as a number.
 *
 * What is read in one tick is read by one MGET. A tick is counted in microtasks: in Workers a timer belongs to the request that set it, and would gather
 * what other requests ask for meanwhile; should that request end first, they would wait for ever.
 */
import { OptionError, show } from '../errors.js'
import { checkNames } from '../units.js'
import { fromBase64, toBase64 } from './base64.js'
import { parsePrefix } from './prefix.js'
import type { Storage } from './storage.js'

/** `Redis` of the package `@upstash/redis` (or `kv` of `@vercel/kv`, which is one). */
export interface UpstashClient {
  mget(...keys: string[]): Promise<unknown>
  set(key: string, value: string, options?: UpstashSetOptions): Promise<unknown>
  unlink(...keys: string[]): Promise<unknown>
  scan(cursor: string, options: { match: string; count: number }): Promise<unknown>
}

/** One of them. */
export type UpstashSetOptions = { px: number } | { nx: true }

export interface UpstashOptions {
  client: UpstashClient
  /** Every key begins with it. Default `reprise:`; at most 128 characters. */
  prefix?: string
}

/** A reply to MGET is one JSON text. */
const mostKeysAtOnce = 64
/** What SCAN looks at per step. */
const scanStep = 1000
/** Stands before base64. No JSON text begins with it. */
const mark = 'b'

/** Takes a client, or options with one. Throws OptionError where it is neither. */
export function upstash(given: UpstashClient | UpstashOptions): Storage {
  const { client, prefix } = parse(given)
  const gets = new Batch(client, prefix)

  /** Keys as the server has them, a page at a time. */
  async function* pages(): AsyncGenerator<string[]> {
    const match = `${prefix.replace(/[*?[\]\\]/g, '\\$&')}*`
    let cursor = '0'
    do {
      const reply = await worded('SCAN', client.scan(cursor, { match, count: scanStep }))
      if (!Array.isArray(reply) || !Array.isArray(reply[1])) throw unexpected('SCAN', reply)
      cursor = String(reply[0])
      // Within a page the same key can come twice.
      yield [...new Set(reply[1].map(String))].filter(key => key.startsWith(prefix))
    } while (cursor !== '0')
  }

  return {
    shared: true,
    get: key => gets.get(key),

    async set(key, entry, { expiresAt }) {
      // A duration, not a time: the server's clock need not agree with ours.
      const life = expiresAt === undefined ? Infinity : Math.ceil(expiresAt - Date.now())
      // What is over replaces what was there as well: nothing is left of either.
      if (life <= 0) return void (await worded('UNLINK', client.unlink(prefix + key)))
      // Redis refuses what would overflow its clock, and nobody waits that long.
      const reply = await worded('SET', life < 1e15 ? client.set(prefix + key, mark + toBase64(entry), { px: life }) : client.set(prefix + key, mark + toBase64(entry)))
      if (reply !== 'OK') throw unexpected('SET', reply)
    },

    async add(key, entry) {
      const reply = await worded('SET', client.set(prefix + key, mark + toBase64(entry), { nx: true }))
      if (reply !== 'OK' && reply !== null) throw unexpected('SET', reply)
      return reply === 'OK'
    },

    async delete(key) {
      await worded('UNLINK', client.unlink(prefix + key))
    },

    async *keys() {
      for await (const page of pages()) for (const key of page) yield key.slice(prefix.length)
    },

    async clear() {
      for await (const page of pages()) if (page.length > 0) await worded('UNLINK', client.unlink(...page))
    },
  }
}

// ---- reading ------------------------------------------------------------------------------------

interface Wanted {
  readonly key: string
  found(bytes: Uint8Array | undefined): void
  failed(error: unknown): void
}

/** Gathers what is asked for while microtasks bring more of it, and asks for it together. */
class Batch {
  private wanted: Wanted[] = []

  constructor(
    private readonly client: UpstashClient,
    private readonly prefix: string,
  ) {}

  get(key: string): Promise<Uint8Array | undefined> {
    return new Promise((found, failed) => {
      if (this.wanted.push({ key: this.prefix + key, found, failed }) === 1) void this.ask()
    })
  }

  private async ask(): Promise<void> {
    for (let before = 0; this.wanted.length > before; ) {
      before = this.wanted.length
      // Calls that began together take as many steps until they ask, give or take a few.
      for (let hops = 0; hops < 8; hops++) await null
    }
    const { wanted } = this
    this.wanted = []
    for (let i = 0; i < wanted.length; i += mostKeysAtOnce) {
      const some = wanted.slice(i, i + mostKeysAtOnce)
      this.read(some).catch(error => some.forEach(({ failed }) => failed(error)))
    }
  }

  private async read(wanted: Wanted[]): Promise<void> {
    const reply = await worded('MGET', this.client.mget(...wanted.map(({ key }) => key)))
    if (!Array.isArray(reply) || reply.length !== wanted.length) throw unexpected('MGET', reply)
    reply.forEach((value: unknown, i) => {
      const { found, failed } = wanted[i]!
      const bytes = typeof value === 'string' && value.startsWith(mark) ? fromBase64(value.slice(mark.length)) : undefined
      if (value === null || bytes !== undefined) found(bytes)
      else failed(new Error(`upstash: what lies under the key ${wanted[i]!.key} was not written by this storage. Give this cache a prefix of its own, or delete the key.`))
    })
  }
}

/** The client's errors have the whole command in them, and with it the entry: that is nothing for a log. */
async function worded(command: string, reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    throw new Error(`upstash: ${command} failed: ${said.replace(/, command was:[\s\S]*$/, '').slice(0, 300)}`)
  }
}

function unexpected(command: string, reply: unknown): Error {
  return new Error(`upstash: ${command} was answered with ${show(reply)}, which is no answer to it.`)
}

function parse(given: unknown): { client: UpstashClient; prefix: string } {
  const options = (isClient(given) ? { client: given } : (given ?? {})) as Partial<UpstashOptions>
  if (!isClient(options.client)) {
    throw new OptionError('upstash', `${show(options.client ?? given)} is no client of the package @upstash/redis. Give one: new Redis({ url, token }), or Redis.fromEnv().`)
  }
  checkNames('upstash', options, ['client', 'prefix'])
  return { client: options.client, prefix: parsePrefix('upstash', options.prefix) }
}

function isClient(value: unknown): value is UpstashClient {
  const found = value as Partial<UpstashClient> | null | undefined
  return typeof found?.mget === 'function' && typeof found.set === 'function' && typeof found.scan === 'function'
}
