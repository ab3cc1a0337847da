/** One computation per fleet, for real: processes that share a directory, or a Redis, and die while they compute. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, readlink, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileSystem } from '../../js/storage/file-system.js'
import { redis } from '../../js/storage/redis.js'
import { bench, turns } from '../js/harness.js'
import { startFleet } from '../torture/fleet.js'
import { type RedisServer, startRedis } from './redis-server.js'

const key = (n: number): string => n.toString(16).padStart(64, '0')

let server: RedisServer
let directory: string
before(async () => {
  server = await startRedis()
  directory = await mkdtemp(join(tmpdir(), 'reprise-leases-'))
})
after(async () => {
  await server.stop()
  await rm(directory, { recursive: true })
})

for (const where of ['a directory', 'a Redis'] as const) {
  test(`4 processes with 250 calls each of one key run its function once, over ${where}`, async t => {
    const fleet = await startFleet(where === 'a Redis' ? server.url : join(directory, 'fleet'))
    const wakes: number[] = []
    for (let i = 0; i < 10; i++) {
      const { runs, wakeMs, errors } = await fleet.ask(`key ${i}`)
      assert.deepEqual([runs, errors], [1, []])
      wakes.push(...wakeMs)
    }
    await fleet.end()
    t.diagnostic(`those who waited had the result after ${wakes.sort((a, b) => a - b)[wakes.length >> 1]!.toFixed(1)} ms (median of ${wakes.length})`)
    assert.equal(wakes.length, 30)
  })

  test(`A process that is killed while it computes is replaced by one of those who wait, over ${where}`, { timeout: 60_000 }, async () => {
    const place = where === 'a Redis' ? server.url : join(directory, 'killed')
    const open = () => (where === 'a Redis' ? redis(place) : fileSystem({ directory: place }))
    const program = `
      import { createCache, fileSystem } from '../../js/runtimes/node.js'
      import { redis } from '../../js/storage/redis.js'
      const place = ${JSON.stringify(place)}
      const cache = await createCache({ scope: 'killed', lease: '1s', storage: place.startsWith('redis') ? redis(place) : fileSystem({ directory: place }) })
      const ask = cache.wrap(async () => { console.log('computing'); await new Promise(() => setInterval(() => {}, 1000)) }, { name: 'ask' })
      await ask()`
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', program], { cwd: new URL('.', import.meta.url), stdio: ['ignore', 'pipe', 'inherit'] })
    await once(child.stdout!, 'data')
    const { cache } = await bench({ scope: 'killed', lease: '1s', storage: open(), clock: undefined as never }, { now: () => Date.now(), stopwatch: () => performance.now(), after: (ms, run) => { const timer = setTimeout(run, ms); return () => clearTimeout(timer) } })
    let runs = 0
    const call = cache.wrap(async () => ++runs, { name: 'ask' })()
    await turns(50)
    assert.equal(runs, 0, 'it waits')
    child.kill('SIGKILL')
    assert.equal(await call, 1)
    await cache.close()
  })
}

test('Directory: the lease of a process that is no more is taken over at once, one that says nothing after its time, and no other', async t => {
  const storage = fileSystem({ directory: join(directory, 'stale') })
  const path = (n: number): string => join(directory, 'stale', 'leases', key(n))
  assert.ok(await storage.lease!(key(1), 10_000))
  const [host] = (await readFile(path(1), 'utf8')).split(' ')
  // Another container can have the name of this host, and its own processes under our numbers.
  const numbering = process.platform === 'linux' ? `/${await readlink('/proc/self/ns/pid')}` : ''
  assert.equal(host, hostname() + numbering)
  if (numbering !== '') {
    await writeFile(path(4), `${hostname()}/pid:[1] ${2 ** 22 + 1} abc`)
    assert.equal(await storage.lease!(key(4), 10_000), undefined, 'nor of another container')
  }
  const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' })
  await once(dead, 'exit')
  await writeFile(path(2), `${host} ${dead.pid} abc`)
  if (process.platform === 'linux') {
    // It ends when its parent has become a program that knows of no child, and asks after none.
    const parent = spawn('sh', ['-c', '(while [ "$(cat /proc/$$/comm)" != sleep ]; do :; done) & echo $!; exec sleep 100'], { stdio: ['ignore', 'pipe', 'ignore'] })
    t.after(() => parent.kill())
    const pid = Number(await once(parent.stdout, 'data'))
    while (!(await readFile(`/proc/${pid}/stat`, 'latin1')).includes(' Z ')) await turns(1)
    await writeFile(path(5), `${host} ${pid} abc`)
    assert.ok(await storage.lease!(key(5), 10_000), 'it has ended, and nobody has asked how')
  }
  await writeFile(path(3), `elsewhere ${dead.pid} abc`)
  assert.ok(await storage.lease!(key(2), 10_000), 'there is no such process here')
  assert.equal(await storage.lease!(key(3), 10_000), undefined, 'of another machine nobody knows')
  const long = new Date(Date.now() - 11_000)
  await utimes(path(3), long, long)
  assert.ok(await storage.lease!(key(3), 10_000))
  assert.equal(await storage.lease!(key(3), 10_000), undefined)
  await storage.close!()
})

test('Directory: a lease that is over is taken away by one at a time; who died while at it is waited for no longer than a holder', async () => {
  const storage = fileSystem({ directory: join(directory, 'graves') })
  const folder = join(directory, 'graves', 'leases')
  const over = async (file: string): Promise<void> => utimes(file, new Date(Date.now() - 11_000), new Date(Date.now() - 11_000))
  const first = (await storage.lease!(key(1), 10_000))!
  const said = await readFile(join(folder, key(1)), 'utf8')
  await over(join(folder, key(1)))
  const grave = join(folder, `${key(1)}~${said.split(' ')[2]}`)
  await writeFile(grave, '')
  assert.equal(await storage.lease!(key(1), 10_000), undefined, 'another is taking it away')
  await first.release()
  assert.equal(await readFile(join(folder, key(1)), 'utf8'), said, 'its holder leaves that to the other, too')
  await over(grave)
  assert.equal(await storage.lease!(key(1), 10_000), undefined, 'the grave is free again')
  const second = await storage.lease!(key(1), 10_000)
  assert.ok(second)
  await second.release()
  assert.deepEqual(await readdir(folder), [])
  await storage.close!()
})

test('Directory: a lease whose folder was removed is gone, and giving it back is no error', async () => {
  const place = join(directory, 'removed')
  const storage = fileSystem({ directory: place })
  const lease = (await storage.lease!(key(1), 10_000))!
  await rm(place, { recursive: true })
  await lease.release()
  assert.equal(await lease.renew(), false)
  assert.ok(await storage.lease!(key(1), 10_000), 'the next one has it')
  await storage.close!()
})

test('Directory: of many who find a lease that is over one gets it, and none is lost or taken from who has it', async () => {
  const place = join(directory, 'contended')
  const storages = Array.from({ length: 24 }, () => fileSystem({ directory: place }))
  for (let round = 0; round < 60; round++) {
    const first = await storages[0]!.lease!(key(round), 10_000)
    assert.ok(first)
    const long = new Date(Date.now() - 11_000)
    await utimes(join(place, 'leases', key(round)), long, long)
    const taken = (await Promise.all(storages.map(storage => storage.lease!(key(round), 10_000)))).filter(lease => lease !== undefined)
    assert.equal(taken.length, 1, `round ${round}`)
    assert.equal(await first.renew(), false)
    await first.release()
    assert.equal(await taken[0]!.renew(), true, 'who has lost it does not give back what is another\'s')
    await taken[0]!.release()
  }
  assert.deepEqual(await readdir(join(place, 'leases')), [])
  assert.deepEqual(await readdir(join(place, 'tmp')), [])
})

test('Redis: a lease ends by itself; who has lost it renews nothing and gives nothing back', async () => {
  const storage = redis({ url: server.url, prefix: 'ends:' })
  // To connect may take longer than that lease has.
  await storage.get(key(1))
  const first = (await storage.lease!(key(1), 50))!
  await storage.released!(key(1), 50)
  let second
  while ((second = await storage.lease!(key(1), 10_000)) === undefined) await storage.released!(key(1), 50)
  assert.ok(second.fence > first.fence)
  assert.equal(await first.renew(), false)
  await first.release()
  assert.equal(await second.renew(), true)
  assert.equal(await storage.lease!(key(1), 10_000), undefined)
  await second.release()
  await storage.close!()
})

test('Redis: where a lease cannot be numbered, its place is free again at once', async () => {
  await server.command('ACL', 'SETUSER', 'numberless', 'on', '>pw', '~numberless:*', '&*', '+get', '+set', '+unlink')
  const storage = redis({ url: server.url.replace('//', '//numberless:pw@'), prefix: 'numberless:' })
  await assert.rejects(storage.lease!(key(1), 10_000), /NOPERM.*incr/)
  assert.equal(await server.command('EXISTS', `numberless:lease:${key(1)}`), 0)
  await storage.close!()
})
