import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { web } from '../../js/runtimes/web.js'
import { redis } from '../../js/storage/redis.js'
import { RedisBus, type Subscriber } from '../../js/storage/redis/bus.js'
import type { Storage } from '../../js/storage/storage.js'
import { bench, gate, turns, until } from '../js/harness.js'
import { freePort, programs, type RedisServer, startCluster, startRedis } from './redis-server.js'
import { storageContract } from '../../js/testing/storage.js'

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

/** What docs/storage.md tells to allow, */
const allowed = ['+get', '+mget', '+set', '+unlink', '+scan', '+incr', '+pexpire', '+publish', '+subscribe']
/** what ioredis asks before it begins, and what clients of a cluster need. */
const allowedForIoredis = ['+info']
const allowedInClusters = ['+cluster|slots', '+cluster|shards', '+cluster|info', '+asking', '+info']

const login = { username: 'cache', password: 'secret' }
const allow = (...commands: string[]): string[] => ['ACL', 'SETUSER', login.username, 'reset', 'on', `>${login.password}`, '~place-*', '&place-*', ...commands]

assert.ok(programs.length > 0, 'no server is installed')

for (const program of programs) {
  let server: RedisServer
  let cluster: Awaited<ReturnType<typeof startCluster>>
  before(async () => {
    server = await startRedis({ program })
    cluster = await startCluster(program)
    await server.command(...allow(...allowed))
    await server.command(...allow(...allowed, ...allowedForIoredis).with(2, 'ioredis'))
    for (const node of cluster.nodes) await node.command(...allow(...allowed, ...allowedInClusters))
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

  contractOver(`${program}, by its URL, as a user who may do what is documented`, async prefix => {
    const url = server.url.replace('//', `//${login.username}:${login.password}@`)
    return { open: () => redis({ url, prefix }), close: async () => {} }
  })

  contractOver(`${program}, by node-redis, as that user`, async prefix => {
    const client = await createClient({ url: server.url, ...login }).on('error', () => {}).connect()
    return { open: () => redis({ client, prefix }), close: async () => client.destroy() }
  })

  contractOver(`${program}, by ioredis, as that user`, async prefix => {
    const client = new Redis(server.url, { ...login, username: 'ioredis' })
    return { open: () => redis({ client, prefix }), close: async () => client.disconnect() }
  })

  contractOver(`a cluster of ${program}, by node-redis, as that user`, async prefix => {
    const client = createCluster({ rootNodes: [{ url: cluster.nodes[0]!.url, ...login }], defaults: login })
    await client.on('error', () => {}).connect()
    return { open: () => redis({ client, prefix }), close: async () => client.destroy() }
  })

  contractOver(`a cluster of ${program}, by ioredis, as that user`, async prefix => {
    const client = new Cluster([cluster.nodes[0]!.port], { redisOptions: login, lazyConnect: true })
    return { open: () => redis({ client, prefix }), close: async () => client.disconnect() }
  })

  // ---- who listens --------------------------------------------------------------------------------

  test(`${program}: who listens hears again after the connection that listens was lost, by every client`, { timeout: 60_000 }, async () => {
    const node = await createClient({ url: server.url }).on('error', () => {}).connect()
    const ofCluster = await createCluster({ rootNodes: cluster.nodes.map(({ url }) => ({ url })) }).on('error', () => {}).connect()
    const io = new Redis(server.url, { enableOfflineQueue: false })
    const ioOfCluster = new Cluster(cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })), { enableOfflineQueue: false })
    for (const client of [io, ioOfCluster]) {
      client.on('error', () => {})
      await new Promise(resolve => client.once('ready', resolve))
    }
    for (const [way, given] of Object.entries({ 'its URL': server.url, 'node-redis': node, 'node-redis, of a cluster': ofCluster, 'ioredis that keeps no commands': io, 'ioredis that keeps no commands, of a cluster': ioOfCluster })) {
      const storage = redis(given as string)
      const heard: number[] = []
      await storage.subscribe!(message => heard.push(message[0]!))
      const hears = async (said: number): Promise<void> => {
        for (const end = performance.now() + 10_000; heard.at(-1) !== said; await turns(1)) {
          assert.ok(performance.now() < end, `${way} is not heard`)
          await storage.publish!(bytes(said))
        }
      }
      await hears(1)
      let lost = 0
      for (const { command } of way.endsWith('cluster') ? cluster.nodes : [server]) lost += Number(await command('CLIENT', 'KILL', 'TYPE', 'pubsub'))
      assert.equal(lost, 1, way)
      await hears(2)
      await storage.close!()
    }
    for (const client of [node, ofCluster]) client.destroy()
    for (const client of [io, ioOfCluster]) client.disconnect()
  })

  // ---- what the server sees -----------------------------------------------------------------------

  test(`${program}: a cache sends nothing but what is documented`, async () => {
    const seen = await monitored(server, async () => {
      const { cache } = await bench({ storage: redis(server.url), scope: 'public' }, web)
      const ask = cache.wrap(async (x: number) => x, { name: 'ask', ttl: '1h', tags: ['all'] })
      assert.deepEqual(await Promise.all([1, 2, 3].map(ask)), [1, 2, 3])
      await cache.invalidate({ tag: 'all' })
      await ask.invalidate(1)
      await cache.invalidate({ match: '*' })
      await cache.close()
      const storage = redis(server.url)
      await Promise.all([storage.get(key(1)), storage.get(key(2))])
      await storage.clear!()
      await storage.close!()
    })
    assert.deepEqual([...new Set(seen)].sort(), ['GET', 'INCR', 'MGET', 'PUBLISH', 'SCAN', 'SET', 'SUBSCRIBE', 'UNLINK'])
  })

  test(`${program}: 64 gets of a tick are one MGET, one is a GET, and many are a few`, async () => {
    const storage = redis(server.url)
    await Promise.all(Array.from({ length: 64 }, (_, i) => storage.set(key(i), bytes(i), {})))
    const seen = await monitored(server, async () => {
      const found = await Promise.all(Array.from({ length: 64 }, (_, i) => storage.get(key(i))))
      assert.deepEqual(found, Array.from({ length: 64 }, (_, i) => bytes(i)))
      // Also those that are asked for a promise or two later.
      const later = async (i: number): Promise<Uint8Array | undefined> => {
        for (let turns = 0; turns < i % 5; turns++) await undefined
        return storage.get(key(i))
      }
      await Promise.all(Array.from({ length: 64 }, (_, i) => later(i)))
      await storage.get(key(1))
      const many = await Promise.all(Array.from({ length: 600 }, (_, i) => storage.get(key(i))))
      many.forEach((found, i) => assert.deepEqual(found, i < 64 ? bytes(i) : undefined))
    })
    assert.deepEqual(seen, ['MGET', 'MGET', 'GET', 'MGET', 'MGET', 'MGET'])
    await storage.clear!()
    await storage.close!()
  })

  test(`${program}: the server forgets an entry by itself when its time is over, and what is over already is not written`, async () => {
    const storage = redis(server.url)
    const left = async (n: number): Promise<number> => Number(await server.command('PTTL', `reprise:${key(n)}`))
    await storage.set(key(1), bytes(1), { expiresAt: Date.now() + 60_000.5 })
    assert.ok((await left(1)) > 59_000 && (await left(1)) <= 60_001)
    await storage.set(key(1), bytes(2), {})
    assert.equal(await left(1), -1, 'without a time it stays')
    for (const never of [Infinity, 8.64e15, 1e300, NaN]) {
      await storage.set(key(1), bytes(3), { expiresAt: never })
      assert.equal(await left(1), -1, `${never}`)
    }
    await storage.set(key(1), bytes(4), { expiresAt: Date.now() - 1 })
    assert.equal(await storage.get(key(1)), undefined, 'the older one is gone, too')
    await storage.set(key(2), bytes(5), { expiresAt: Date.now() + 30 })
    assert.deepEqual(await storage.get(key(2)), bytes(5))
    await new Promise(resolve => setTimeout(resolve, 40))
    assert.equal(await storage.get(key(2)), undefined)
    for (const over of [-Infinity, 0, Date.now()]) await storage.set(key(3), bytes(6), { expiresAt: over })
    assert.equal(await left(3), -2)
    await storage.close!()
  })

  test(`${program}: clear() forgets what is under its prefix, and nothing else; keys() see no more either`, async () => {
    const ours = redis({ url: server.url, prefix: 'a*c:' })
    await server.command('MSET', 'abc:theirs', '1', 'a*c', '1', 'axc:theirs', '1')
    await Promise.all(Array.from({ length: 3000 }, (_, i) => ours.set(key(i), bytes(1), {})))
    const listed = new Set<string>()
    for await (const name of ours.keys!()) listed.add(name)
    assert.equal(listed.size, 3000)
    await ours.clear!()
    for await (const name of ours.keys!()) assert.fail(name)
    assert.equal(await server.command('EXISTS', 'abc:theirs', 'a*c', 'axc:theirs'), 3)
    await server.command('DEL', 'abc:theirs', 'a*c', 'axc:theirs')
    await ours.close!()
  })

  test(`${program}: whoever makes a client closes it`, async () => {
    const client = await createClient({ url: server.url }).on('error', () => {}).connect()
    await redis(client).close!()
    assert.equal(await client.sendCommand(['GET', 'x']), null)
    client.destroy()
    const own = redis(server.url)
    await own.get(key(1))
    await own.close!()
    await assert.rejects(own.get(key(1)), /this storage is closed/)
    await redis(server.url).close!()
  })

  test(`${program}: an idle connection keeps no process alive, and what is being written is written`, async () => {
    const program = `
      import { redis } from './js/storage/redis.ts'
      const storage = redis('${server.url}')
      await storage.set('left', Uint8Array.of(7), {})
      storage.set('begun', Uint8Array.of(8), {})`
    await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { timeout: 20_000 })
    const storage = redis(server.url)
    assert.deepEqual(await Promise.all(['left', 'begun'].map(key => storage.get(key))), [bytes(7), bytes(8)])
    await storage.clear!()
    await storage.close!()
  })
}

/** The names of the commands that a server got meanwhile. */
async function monitored(server: RedisServer, work: () => Promise<void>): Promise<string[]> {
  const socket = connect(server.port, '127.0.0.1')
  let log = ''
  socket.on('data', data => (log += data))
  const says = async (text: string): Promise<void> => {
    while (!log.includes(text)) await new Promise(resolve => setTimeout(resolve, 5))
  }
  socket.write('MONITOR\r\n')
  await says('+OK')
  await work()
  await server.command('ECHO', 'the end')
  await says('"the end"')
  socket.destroy()
  const names = [...log.matchAll(/^\+[\d.]+ \[[^\]]*\] "(\w+)"/gm)].map(match => match[1]!.toUpperCase())
  // The test's own connection greets the server when it is made.
  return names.filter(name => !['ECHO', 'HELLO', 'CLIENT'].includes(name))
}

test('rediss:// speaks TLS, and with nobody whose certificate it cannot verify', async t => {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-tls-'))
  const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
  const made = await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1', '-keyout', key, '-out', certificate]).catch((error: { code?: unknown }) => error)
  if ('code' in made && made.code === 'ENOENT') return t.skip('there is no openssl here, which makes the certificate')
  const port = await freePort()
  const server = await startRedis({ args: ['--tls-port', `${port}`, '--tls-cert-file', certificate, '--tls-key-file', key, '--tls-auth-clients', 'no'] })
  const url = `rediss://127.0.0.1:${port}`
  await assert.rejects(redis(url).get('a'), /self.signed certificate/)
  const program = `
    import { redis } from './js/storage/redis.ts'
    await redis('${url}').set('by-tls', Uint8Array.of(7), {})`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificate }
  await promisify(execFile)(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { timeout: 20_000, env })
  const storage = redis(server.url)
  assert.deepEqual(await storage.get('by-tls'), bytes(7))
  await storage.close!()
  await server.stop()
  await rm(folder, { recursive: true })
})

test('Without the package redis, a URL says how to get it, and clients work all the same', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reprise-alone-'))
  const { outputFiles } = await build({ entryPoints: ['js/storage/redis.ts'], bundle: true, write: false, format: 'esm', platform: 'node', external: ['redis'], absWorkingDir: fileURLToPath(new URL('../..', import.meta.url)) })
  await writeFile(join(folder, 'redis.mjs'), outputFiles[0]!.contents)
  const alone = (await import(pathToFileURL(join(folder, 'redis.mjs')).href)) as { redis: typeof redis }
  await assert.rejects(alone.redis('redis://127.0.0.1:1').get('a'), /npm install redis/)
  assert.equal(await alone.redis({ sendCommand: async () => null }).get('a'), undefined)
  await rm(folder, { recursive: true })
})

// ---- what is given ----------------------------------------------------------------------------------

test('What is neither a client nor a URL is refused at once, and no password is shown', () => {
  for (const wrong of [undefined, null, 5, '', 'localhost', 'http://user:pw@host', 'redis://', {}, { url: 5 }, { client: {} }]) {
    assert.throws(() => redis(wrong as never), (error: Error) => error.name === 'OptionError' && /^redis/.test(error.message) && !error.message.includes('pw'), `${wrong}`)
  }
  assert.throws(() => redis({ url: 'redis://x', prefix: '' }), /OptionError: redis: prefix/)
  assert.throws(() => redis({ url: 'redis://x', pre: 'x' } as never), /OptionError: redis: pre: there is no such option\. Known ones: url, client, prefix\./)
  for (const path of ['abc', '0/abc', '%30']) assert.throws(() => redis(`redis://user:pw@x/${path}`), (error: Error) => /OptionError: redis: url: its path/.test(`${error}`) && !error.message.includes('pw'), path)
  for (const path of ['', '/', '/15']) redis(`redis://x${path}`)
  assert.throws(() => (redis as (...given: unknown[]) => unknown)('redis://x', { prefix: 'mine:' }), /OptionError: redis: a second argument is given/)
  assert.throws(() => redis({ url: 'redis://x', client: { sendCommand: async () => null } }), /Give one of them/)
})

test('Who closes while a connection for listening is on its way leaves none behind, wherever it was', async () => {
  for (const step of ['listen', 'connect', 'subscribe'] as const) {
    const [held, done] = [gate(), [] as string[]]
    const at = async (name: typeof step): Promise<void> => {
      done.push(name)
      if (name === step) await held.promise
    }
    const listen = async (): Promise<Subscriber> => {
      await at('listen')
      return { connect: () => at('connect'), subscribe: () => at('subscribe'), close: async () => void done.push('close') }
    }
    const bus = new RedisBus('news', listen, async () => {})
    const refused = assert.rejects(bus.subscribe(() => assert.fail('nobody is heard')), /this storage is closed/)
    await until(() => done.at(-1) === step)
    await bus.close()
    held.open()
    await refused
    assert.equal(done.at(-1), 'close', step)
    const before = done.length
    await assert.rejects(bus.subscribe(() => {}), /this storage is closed/)
    assert.equal(done.length, before, 'nor is another opened')
  }
})

test('What is said right behind the consent to listen is heard; who was refused hears nothing later, and nobody listens for them', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let says!: (message: Uint8Array) => void
  let refuses = true
  let connects = 0
  const listen = async (): Promise<Subscriber> => ({
    async connect() {
      connects++
      if (refuses) throw new Error('not now')
    },
    async subscribe(_, listener) {
      says = listener
      says(bytes(0x6d, 1))
    },
    async close() {},
  })
  const bus = new RedisBus('news', listen, async () => {})
  const [first, second] = [[] as Uint8Array[], [] as Uint8Array[]]
  await assert.rejects(bus.subscribe(message => first.push(message)), /not now/)
  refuses = false
  t.mock.timers.tick(1_000)
  await turns(1)
  assert.equal(connects, 1)
  const end = await bus.subscribe(message => second.push(message))
  says(bytes(0x6d, 2))
  await end()
  says(bytes(0x6d, 3))
  assert.deepEqual([first, second], [[], [bytes(1), bytes(2)]])
  await bus.close()
})

test('A lease that was given later than it lasts is nobody\'s, and given back', async t => {
  let now = 0
  t.mock.method(performance, 'now', () => now)
  for (const [late, another] of [[1_000, false], [1_000, true], [999, false]] as const) {
    const held = new Map<string, unknown>()
    const storage = redis({
      async sendCommand([command, place, value]: readonly unknown[]) {
        if (command === 'SET') held.set(String(place), value)
        // As where the client keeps commands until it is connected again.
        if (command === 'INCR') now += late
        if (command === 'INCR' && another) held.set('reprise:lease:a', 'of another')
        if (command === 'UNLINK') held.delete(String(place))
        return command === 'GET' ? held.get(String(place)) : command === 'SET' ? 'OK' : 1
      },
    })
    const lease = await storage.lease!('a', 1_000)
    assert.deepEqual([lease !== undefined, held.size], late === 999 ? [true, 1] : [false, another ? 1 : 0])
    await storage.close!()
  }
})

test('A reply that is no answer to what was asked is an error, never a value', async () => {
  const answering = (reply: unknown): Storage => redis({ sendCommand: async () => reply })
  for (const reply of ['text', 5, [], [bytes(1)], {}, [null]]) {
    await assert.rejects(answering(reply).get('a'), /no answer/)
    const both = await Promise.allSettled(['a', 'b'].map(answering(reply).get))
    assert.ok(both.every(({ status }) => status === 'rejected'))
  }
  await assert.rejects(answering('text').clear!(), /SCAN was answered with/)
})
