/** Redis on bad days: whatever it does, a call runs its function once, its value comes back, and the failure is counted. */
import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { Cluster, Redis } from 'ioredis'
import { createClient, createCluster } from 'redis'
import { web } from '../../js/runtimes/web.js'
import { redis } from '../../js/storage/redis.js'
import type { Storage } from '../../js/storage/storage.js'
import { bench } from '../js/harness.js'
import { FaultProxy } from './fault-proxy.js'
import { freePort, type RedisServer, startCluster, startRedis } from './redis-server.js'

let server: RedisServer
let proxy: FaultProxy
before(async () => {
  server = await startRedis({ args: ['--enable-debug-command', 'yes', '--busy-reply-threshold', '10', '--key-load-delay', '5000', '--loading-process-events-interval-bytes', '1024'] })
  proxy = await FaultProxy.to(server.port)
})
after(async () => {
  await proxy.stop()
  await server.stop()
})

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))
/** A text that says whose it is, so that a stranger's is seen at once. */
const said = (key: string): Uint8Array => bytes(`this is ${key}, and nobody else`)

/** Three ways to reach a server by way of `url`; clients that are handed in do not wait long to try again. */
const ways: Record<string, (url: string) => Promise<{ storage: Storage; close(): Promise<void> }>> = {
  async 'a URL'(url) {
    const storage = redis(url)
    return { storage, close: async () => storage.close!() }
  },
  async 'node-redis'(url) {
    const client = await createClient({ url, socket: { reconnectStrategy: 1 } }).on('error', () => {}).connect()
    return { storage: redis(client), close: async () => client.destroy() }
  },
  async ioredis(url) {
    const client = new Redis(url, { retryStrategy: () => 1, maxRetriesPerRequest: 1 })
    client.on('error', () => {})
    return { storage: redis(client), close: async () => client.disconnect() }
  },
}

const noDeadline = 'this needs the deadline of the guard in front of storages, which is not there yet'
const hasDeadline = async (): Promise<boolean> => 'storageState' in (await bench()).cache.stats()

interface Wave {
  readonly runs: number
  readonly errors: string[]
  /** Until all had their value. */
  readonly ms: number
}

let waves = 0

/** Five calls at once through a cache of their own. */
async function wave(storage: Storage, name = `wave ${waves++}`): Promise<Wave> {
  const { cache, events } = await bench({ storage, scope: 'public' }, web)
  let runs = 0
  const ask = cache.wrap(
    async (x: { n: number }) => {
      runs++
      await pause(5)
      return { twice: x.n * 2 }
    },
    { name, ttl: '1h' },
  )
  const start = performance.now()
  const values = await Promise.all(Array.from({ length: 5 }, () => ask({ n: 21 })))
  const ms = performance.now() - start
  assert.deepEqual(values, Array.from({ length: 5 }, () => ({ twice: 42 })))
  assert.deepEqual(await ask({ n: 21 }), { twice: 42 }, 'it is in memory all the same')
  await cache.close()
  const errors = events.flatMap(event => (event.type === 'storage-error' ? [String((event.error as Error).message)] : []))
  assert.equal(cache.stats().storageErrors, errors.length)
  return { runs, errors, ms }
}

/** A cache closes its storage: one that several waves use is lent to them. */
const lent = ({ close: _, ...storage }: Storage): Storage => storage

/** The function ran once for all, and each failure was counted and said what it was. */
async function failsOpen(storage: Storage, expected: RegExp, name?: string): Promise<Wave> {
  const failed = await wave(storage, name)
  assert.equal(failed.runs, 1)
  assert.ok(failed.errors.length > 0, 'failures are counted')
  for (const error of failed.errors) assert.match(error, expected)
  return failed
}

/** What was stored once is found again, as soon as the clients are there again. */
async function isBack(storage: Storage, name: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await storage.get('0').then(() => true, () => false)) break
    await pause(10)
  }
  const { runs, errors } = await wave(storage, name)
  assert.deepEqual({ runs, errors }, { runs: 0, errors: [] })
}

for (const [way, reach] of Object.entries(ways)) {
  const open = async (url: string, name: string): Promise<{ storage: Storage; close(): Promise<void> }> => {
    const { storage, close } = await reach(url)
    assert.deepEqual((await wave(lent(storage), name)).errors, [])
    return { storage: lent(storage), close }
  }

  // ---- the network -----------------------------------------------------------------------------------

  test(`R1: a server that refuses connections costs a computation, and is used again when it is back (by ${way})`, async t => {
    // A client that is handed in may keep commands until it is connected again.
    if (way !== 'a URL' && !(await hasDeadline())) return t.skip(noDeadline)
    await proxy.turn('pass')
    const { storage, close } = await open(proxy.url, `refused, by ${way}`)
    await proxy.turn('refuse')
    const { ms } = await failsOpen(storage, way === 'a URL' ? /ECONNREFUSED|ECONNRESET|Socket closed|connection was given up/ : /./)
    assert.ok(ms < 2000, `${ms} ms`)
    await proxy.turn('pass')
    await isBack(storage, `refused, by ${way}`)
    await close()
  })

  test(`R1: a server that says nothing costs no more than the deadline, and is used again when it speaks (by ${way})`, async t => {
    if (!(await hasDeadline())) return t.skip(noDeadline)
    await proxy.turn('pass')
    const { storage, close } = await open(proxy.url, `black hole, by ${way}`)
    await proxy.turn('blackhole')
    const { ms } = await failsOpen(storage, /./)
    t.diagnostic(`a wave took ${ms.toFixed(0)} ms`)
    assert.ok(ms < 1500, `${ms} ms`)
    await proxy.turn('refuse')
    await proxy.turn('pass')
    await isBack(storage, `black hole, by ${way}`)
    await close()
  })

  test(`R2: a reply that is cut off anywhere is an error or the value, never another's; nor is any that comes after it (by ${way})`, async () => {
    await proxy.turn('pass')
    const { storage, close } = await reach(proxy.url)
    const keys = ['a', 'b', 'c', 'd']
    await Promise.all(keys.map(key => storage.set(key, said(key), {})))
    const look = async (key: string): Promise<boolean> => {
      const found = await storage.get(key).catch(() => null)
      if (found !== null) assert.deepEqual(found, said(key))
      return found !== null
    }
    const replyLength = 4 + keys.length * (5 + said('a').length + 2)
    let failed = 0
    let looked = 0
    for (let length = 0; length <= replyLength; length++) {
      proxy.cutAfter = length
      await proxy.turn('cut')
      const first = keys.map(look)
      // Also one that is sent while the reply is under way.
      const more = pause(0).then(() => look('d'))
      failed += (await Promise.all([...first, more])).filter(worked => !worked).length
      await proxy.turn('pass')
      for (let round = 0; round < 2; round++) looked += (await Promise.all([...keys, ...keys].reverse().map(look))).length
    }
    assert.ok(looked > 1000)
    if (way === 'a URL') assert.ok(failed > replyLength, `${failed} failed`)
    const whole = await Promise.all(keys.map(look))
    assert.ok(whole.every(Boolean))
    await storage.clear!()
    await close()
  })

  test(`R3: a reply that comes late is never taken for another's (by ${way})`, async () => {
    await proxy.turn('pass')
    const { storage, close } = await reach(proxy.url)
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`)
    await Promise.all(keys.map(key => storage.set(key, said(key), {})))
    proxy.delayMs = 60
    await proxy.turn('slow')
    const late = keys.map(key => storage.get(key))
    await pause(10)
    await proxy.turn('pass')
    // Nobody waits for the first ones; these are behind them on the same connection.
    const next = [...keys].reverse().map(async key => assert.deepEqual(await storage.get(key), said(key)))
    await Promise.all(next)
    assert.deepEqual(await Promise.all(late), keys.map(said))
    await storage.clear!()
    await close()
  })

  test(`R3: a server slower than the deadline costs that, and what it says later answers nobody else (by ${way})`, async t => {
    if (!(await hasDeadline())) return t.skip(noDeadline)
    await proxy.turn('pass')
    const { storage, close } = await open(proxy.url, `slow, by ${way}`)
    proxy.delayMs = 700
    await proxy.turn('slow')
    const { ms } = await failsOpen(storage, /./)
    assert.ok(ms < 1500, `${ms} ms`)
    await proxy.turn('pass')
    await isBack(storage, `slow, by ${way}`)
    await close()
  })

  // ---- the server says no ----------------------------------------------------------------------------

  test(`R4: OOM: what is there is found, what is new is not kept (by ${way})`, async () => {
    const { storage, close } = await open(server.url, `oom, by ${way}`)
    await server.command('CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction')
    try {
      await failsOpen(storage, /^OOM /)
      await isBack(storage, `oom, by ${way}`)
    } finally {
      await server.command('CONFIG', 'SET', 'maxmemory', '0')
    }
    await close()
  })

  test(`R4: READONLY, of a replica: the same (by ${way})`, async () => {
    const { storage, close } = await open(server.url, `readonly, by ${way}`)
    await server.command('REPLICAOF', '127.0.0.1', `${await freePort()}`)
    try {
      await failsOpen(storage, /^READONLY /)
      await isBack(storage, `readonly, by ${way}`)
    } finally {
      await server.command('REPLICAOF', 'NO', 'ONE')
    }
    await close()
  })

  test(`R4: LOADING, BUSY: while it lasts (by ${way})`, async () => {
    const { storage, close } = await open(server.url, `loading, by ${way}`)
    await server.command('MSET', ...Array.from({ length: 300 }, (_, i) => [`filler ${i}`, 'x'.repeat(100)]).flat())
    const loading = server.command('DEBUG', 'RELOAD')
    await failing(storage, /^LOADING /)
    await failsOpen(storage, /^LOADING /)
    await loading
    await isBack(storage, `loading, by ${way}`)

    const admin = await createClient({ url: server.url }).on('error', () => {}).connect()
    const busy = admin.sendCommand(['EVAL', 'while true do end', '0']).catch(() => {})
    await failing(storage, /^BUSY /)
    await failsOpen(storage, /^BUSY /)
    await server.command('SCRIPT', 'KILL')
    await busy
    admin.destroy()
    await isBack(storage, `loading, by ${way}`)
    await close()
  })

  test(`R4: WRONGTYPE: somebody else's list lies under the key; it is replaced (by ${way})`, async () => {
    const name = `wrongtype, by ${way}`
    const { storage, close } = await open(server.url, name)
    for await (const key of storage.keys!()) {
      await server.command('DEL', `reprise:${key}`)
      await server.command('LPUSH', `reprise:${key}`, 'a list')
    }
    await failsOpen(storage, /^WRONGTYPE /, name)
    // What could not be read was removed, and the new value took its place.
    await isBack(storage, name)
    await close()
  })

  test(`R6: FLUSHALL amid calls is a miss and no error, and what is stored after it is found (by ${way})`, async () => {
    const name = `flushed, by ${way}`
    const { storage, close } = await open(server.url, name)
    const { cache, events } = await bench({ storage, scope: 'public', invalidationLag: 0 }, web)
    let runs = 0
    const ask = cache.wrap(async (n: number) => ({ n, runs: ++runs }), { name: `${name} too`, ttl: '1h' })
    for (let round = 0; round < 10; round++) {
      const calls = Array.from({ length: 20 }, (_, i) => ask(i % 5))
      if (round % 3 === 1) await server.command('FLUSHALL')
      for (const [i, value] of (await Promise.all(calls)).entries()) assert.equal(value.n, i % 5)
    }
    await server.command('FLUSHALL')
    assert.equal((await ask(77)).n, 77)
    await cache.close()
    assert.deepEqual(events.filter(({ type }) => type === 'storage-error'), [])
    assert.equal(cache.stats().storageErrors, 0)
    const after = await wave(storage, name)
    assert.deepEqual([after.runs, after.errors], [1, []])
    await isBack(storage, name)
    await close()
  })
}

/** Waits until it fails like that. */
async function failing(storage: Storage, expected: RegExp): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const problem = await storage.get('0').then(() => '', (error: Error) => error.message)
    if (expected.test(problem)) return
    await pause(2)
  }
  assert.fail(`it never failed with ${expected}`)
}

test('R4: NOAUTH, WRONGPASS and NOPERM, for a command and for a key', async () => {
  await server.command('ACL', 'SETUSER', 'reader', 'reset', 'on', '>pw', '~reprise:*', '+get', '+mget')
  await server.command('ACL', 'SETUSER', 'elsewhere', 'reset', 'on', '>pw', '~other:*', '&*', '+@all')
  const as = (login: string): Storage => redis(server.url.replace('//', `//${login}@`))
  await failsOpen(as('reader:pw'), /^NOPERM .*command/)
  await failsOpen(as('elsewhere:pw'), /^NOPERM .*key/)
  await failsOpen(as('reader:wrong'), /^WRONGPASS /)
  await server.command('CONFIG', 'SET', 'requirepass', 'closed')
  try {
    await failsOpen(redis(server.url), /^NOAUTH /)
  } finally {
    const client = await createClient({ url: server.url, password: 'closed' }).connect()
    await client.sendCommand(['CONFIG', 'SET', 'requirepass', ''])
    client.destroy()
  }
})

test('R4: CLUSTERDOWN: a cluster that lost some of its keys', async () => {
  const alone = await startRedis({ args: ['--cluster-enabled', 'yes', '--cluster-port', `${await freePort()}`] })
  await failsOpen(redis(alone.url), /^CLUSTERDOWN /)
  await alone.stop()
})

test('R5: a key that moves from one master to another (ASK, then MOVED) is found all the way, and a master that dies costs computations of its keys alone', { timeout: 60_000 }, async () => {
  const { nodes, stop } = await startCluster()
  const rootNodes = nodes.map(({ url }) => ({ url }))
  const node = await createCluster({ rootNodes }).on('error', () => {}).connect()
  const io = new Cluster(nodes.map(({ port }) => ({ host: '127.0.0.1', port })), { redisOptions: { maxRetriesPerRequest: 1 } })
  io.on('error', () => {})
  try {
    const storages = [redis(node), redis(io)]
    const name = (n: number): string => n.toString(16).padStart(64, '0')
    for (let n = 0; n < 30; n++) await storages[n % 2]!.set(name(n), said(`${n}`), {})
    const found = async (n: number): Promise<void> => {
      for (const storage of storages) assert.deepEqual(await storage.get(name(n)), said(`${n}`))
    }
    const stored = `reprise:${name(7)}`
    const slot = String(await nodes[0]!.command('CLUSTER', 'KEYSLOT', stored))
    const ids = await Promise.all(nodes.map(async node => String(await node.command('CLUSTER', 'MYID'))))
    const ranges = (await nodes[0]!.command('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
    const owner = ranges.find(([from, to]) => from <= Number(slot) && Number(slot) <= to)![2][1]
    const from = nodes.findIndex(({ port }) => port === owner)
    const to = (from + 1) % 3
    await nodes[to]!.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[from]!)
    await nodes[from]!.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[to]!)
    await found(7)
    assert.equal(String(await nodes[from]!.command('MIGRATE', '127.0.0.1', String(nodes[to]!.port), stored, '0', '5000')), 'OK')
    await found(7)
    for (const node of [nodes[to]!, nodes[from]!, nodes[3 - from - to]!]) await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', ids[to]!)
    await found(7)
    for (const storage of storages) await storage.set(name(7), said('7'), {})
    for (let n = 0; n < 30; n++) await found(n)
    // It dies, and nobody takes its place.
    await nodes[from]!.stop()
    const { cache, events } = await bench({ storage: lent(storages[0]!), scope: 'public' }, web)
    let runs = 0
    const ask = cache.wrap(async (n: number) => (runs++, n), { name: 'ask' })
    assert.deepEqual(await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n))), Array.from({ length: 20 }, (_, n) => n))
    assert.equal(runs, 20)
    assert.ok(events.some(({ type }) => type === 'storage-error'))
    await cache.close()
  } finally {
    await node.destroy()
    io.disconnect()
    await stop()
  }
})

// ---- a connection of our own -------------------------------------------------------------------------

test('A connection that is silent for five seconds is given up by the next command', async t => {
  await proxy.turn('pass')
  const storage = redis(proxy.url)
  await storage.set('a', said('a'), {})
  await proxy.turn('blackhole')
  const accepted = proxy.accepted
  const lost = assert.rejects(storage.get('a'), /said nothing/)
  await pause(20)
  await proxy.turn('pass')
  // The first one is on a connection that lost its words; this one makes another.
  const now = performance.now()
  t.mock.method(performance, 'now', () => now + 5_100)
  assert.deepEqual(await storage.get('a'), said('a'))
  await lost
  assert.equal(proxy.accepted, accepted + 1)
  await storage.clear!()
  await storage.close!()
})

test('A connection that is silent for five seconds is given up, though there is no other command', async t => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  await proxy.turn('pass')
  const storage = redis(proxy.url)
  await storage.set('a', said('a'), {})
  await proxy.turn('blackhole')
  const lost = assert.rejects(storage.get('a'), /said nothing/)
  await pause(20)
  const now = performance.now()
  t.mock.method(performance, 'now', () => now + 5_100)
  t.mock.timers.tick(5_000)
  await lost
  await storage.close!()
  await proxy.turn('pass')
})

test('Garbage in place of replies is an error, and the connection is not used again', async () => {
  const { createServer } = await import('node:net')
  const port = await freePort()
  let connections = 0
  const liar = createServer(socket => {
    connections++
    socket.on('error', () => {})
    socket.on('data', () => socket.write('$5\r\nhello\r\n?what\r\n$5\r\nstale\r\n'))
  })
  await new Promise<void>(resolve => liar.listen(port, '127.0.0.1', resolve))
  const storage = redis(`redis://127.0.0.1:${port}`)
  assert.deepEqual(await storage.get('a'), bytes('hello'), 'the only thing that looks like a reply')
  await pause(20)
  assert.deepEqual(await storage.get('b'), bytes('hello'))
  assert.equal(connections, 2)
  await storage.close!()
  liar.close()
})

test('Close ends what nobody will answer, and nothing is left unheard', async () => {
  await proxy.turn('blackhole')
  const storage = redis(proxy.url)
  const asked = Promise.allSettled([storage.get('a'), storage.set('b', said('b'), {}), storage.delete('c')])
  await pause(20)
  await storage.close!()
  assert.deepEqual((await asked).map(({ status }) => status), ['rejected', 'rejected', 'rejected'])
  await proxy.turn('pass')
})
