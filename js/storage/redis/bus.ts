/**
 * News among those who share a Redis: what was published to one channel, by a connection that does nothing but listen. It is opened when somebody first wants to
 * hear, opened again when it breaks, by its client or, where that does not, from here, and keeps no process alive. What is said while it is broken is lost; nothing depends on it but
 * how soon something is heard.
 *
 * Two kinds of news go by the channel: that a lease was given back (`r` and its key), which wakes those who wait for it, and what users of the storage publish (`m`).
 */
import { Buffer } from 'node:buffer'

export interface Subscriber {
  connect(): Promise<void>
  subscribe(channel: string, listener: (message: Uint8Array) => void): Promise<void>
  close(): Promise<void>
}

/** Who hears nothing looks so often. */
const lookMs = 50
const shortestPauseMs = 1_000
const longestPauseMs = 60_000
const released = 0x72
const published = 0x6d

export class RedisBus {
  private opening: Promise<void> | undefined
  private subscriber: Subscriber | undefined
  private open = false
  private closed = false
  private pauseMs = shortestPauseMs
  private readonly waiting = new Map<string, Set<() => void>>()
  private readonly listeners = new Set<(message: Uint8Array) => void>()

  constructor(
    private readonly channel: string,
    private readonly listen: ((lost: () => void) => Promise<Subscriber>) | undefined,
    private readonly send: (channel: string, message: Uint8Array) => Promise<unknown>,
  ) {}

  /** Resolves when the lease of this key was given back, or after `ms`; sooner, to look again, while nothing can be heard. */
  async woken(key: string, ms: number): Promise<void> {
    const hears = this.open
    if (!hears) void this.connect().catch(() => {})
    await new Promise<void>(resolve => {
      const waiting = this.waiting.get(key) ?? new Set()
      this.waiting.set(key, waiting)
      const wake = (): void => {
        clearTimeout(timer)
        waiting.delete(wake)
        if (waiting.size === 0) this.waiting.delete(key)
        resolve()
      }
      const timer = setTimeout(wake, hears ? ms : Math.min(ms, lookMs))
      waiting.add(wake)
    })
  }

  async wake(key: string): Promise<void> {
    // Where it may not be said, those who wait look for themselves.
    await this.send(this.channel, Buffer.from(`r${key}`)).catch(() => {})
  }

  async publish(message: Uint8Array): Promise<void> {
    await this.send(this.channel, Buffer.concat([Buffer.of(published), message]))
  }

  async subscribe(listener: (message: Uint8Array) => void): Promise<() => Promise<void>> {
    // From the first moment on: what comes right behind the server's consent is heard, too.
    this.listeners.add(listener)
    try {
      await this.connect()
    } catch (error) {
      this.listeners.delete(listener)
      throw error
    }
    return async () => void this.listeners.delete(listener)
  }

  /** Lets go of the connection, whether it is there yet or not, and makes no other. */
  async close(): Promise<void> {
    this.closed = true
    this.listeners.clear()
    const { subscriber } = this
    this.opening = this.subscriber = undefined
    this.open = false
    await subscriber?.close()
  }

  private connect(): Promise<void> {
    const { listen } = this
    if (this.closed) return Promise.reject(closed())
    if (listen === undefined) return Promise.reject(new Error('redis: this client makes no connection for listening. Give one made by createClient() or createCluster(), or a URL.'))
    return (this.opening ??= this.join(listen))
  }

  private async join(listen: NonNullable<typeof this.listen>): Promise<void> {
    let subscriber: Subscriber | undefined
    const lost = (): void => {
      if (this.subscriber !== subscriber) return
      this.opening = this.subscriber = undefined
      this.open = false
      if (this.listeners.size > 0) this.again()
    }
    try {
      // Who closes may do so at each of these steps, and knows of no subscriber that was not there yet.
      subscriber = await listen(lost)
      if (this.closed) throw closed()
      this.subscriber = subscriber
      await subscriber.connect()
      if (this.closed) throw closed()
      await subscriber.subscribe(this.channel, message => this.heard(message))
      if (this.closed) throw closed()
      this.open = this.subscriber === subscriber
      this.pauseMs = shortestPauseMs
    } catch (error) {
      lost()
      await subscriber?.close()
      throw error
    }
  }

  /** Tries to listen again, ever more rarely: a thousand processes lose their server at one moment, and are not to come back at one. */
  private again(): void {
    if (this.closed) return
    const tries = (): void => {
      // Those who were refused meanwhile come again by themselves.
      if (this.listeners.size > 0) void this.connect().catch(() => {})
    }
    const timer = setTimeout(tries, this.pauseMs * (0.5 + Math.random() / 2))
    this.pauseMs = Math.min(longestPauseMs, 2 * this.pauseMs)
    timer.unref?.()
  }

  private heard(message: Uint8Array): void {
    if (message[0] === released) for (const wake of this.waiting.get(Buffer.from(message.subarray(1)).toString()) ?? []) wake()
    // A copy: what the client read lies in a buffer among other replies.
    else if (message[0] === published) for (const listener of this.listeners) listener(new Uint8Array(message.subarray(1)))
  }
}

function closed(): Error {
  return new Error('redis: this storage is closed.')
}
