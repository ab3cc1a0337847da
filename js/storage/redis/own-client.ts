/** A client of our own, for who gives a URL: of the package `redis`, loaded with the first command. */
import type { Subscriber } from './bus.js'
import { type Args, asBuffers, type Link, type NodeRedisListener, nodeRedisSubscriber, type Send } from './clients.js'

type Client = ReturnType<typeof import('redis').createClient>

interface Connection {
  client: Client | undefined
  ready: boolean
  readonly opened: Promise<Client>
  /** Commands without an answer yet, */
  waiting: number
  /** and when the last answer came, or the first of them was sent; by performance.now(). */
  heard: number
  /** Looks whether the server is silent: who waits keeps the process alive, and is not to for ever. */
  readonly watch: ReturnType<typeof setInterval>
  /** Why it was given up, where the client does not know. */
  givenUp?: Error
}

/** A server that has not said a word for so long, though it was asked, is taken for gone. That is seen as late again, or by the next command, which gets a new connection. */
const silenceMs = 5000

/**
 * A connection that is made when it is needed and never mended: what breaks is dropped, with everything that waits for it, and
 * the next command makes another. So no reply can outlive its connection, no timer tries again behind our back, and, as an idle
 * connection keeps no process alive, a program that forgets close() ends all the same.
 */
export class OwnClient implements Link {
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
      connection.heard = performance.now()
      connection.client?.ref()
    }
    try {
      const client = connection.ready ? connection.client! : await connection.opened
      return await client.sendCommand(args, asBuffers)
    } catch (error) {
      throw connection.givenUp ?? error
    } finally {
      connection.heard = performance.now()
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
    if (current !== undefined && current.waiting > 0 && performance.now() - current.heard > silenceMs) {
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
      heard: performance.now(),
      watch: setInterval(() => this.live(), silenceMs),
      opened: Promise.resolve().then(open).catch((error: unknown) => {
        this.drop(connection)
        throw error
      }),
    }
    connection.watch.unref()
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
    clearInterval(connection.watch)
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
