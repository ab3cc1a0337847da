// In real Deno, over a real KV in a file, and in Node, by Deno's client for it; and Deno's Cache API, as it is there.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import { openKv } from '@deno/kv'
import { type DenoKv, denoKv } from '../../js/storage/deno-kv.js'
import { storageContract } from '../../js/testing/storage.js'
import { type Deno, startDeno } from './deno.js'

let deno: Deno
before(async () => {
  deno = await startDeno()
})
after(() => deno?.stop())

/** Registers the contract's tests here; all of them run in one program of Deno's. */
function contractInDeno(name: string, place: string): void {
  let results: Promise<string[]> | undefined
  const run = (): Promise<string[]> =>
    (results ??= deno.run<string[]>(`
      import { storageContract } from 'reprise/testing/storage'
      import { denoKv } from 'reprise/deno-kv'
      import { webCache } from 'reprise/web-cache'
      const bodies: (() => Promise<void>)[] = []
      let places = 0
      storageContract('', async () => (${place})('place-' + places++), { test: (_, body) => bodies.push(body) })
      const results: string[] = []
      for (const body of bodies) results.push(await body().then(() => 'kept', error => String(error.stack)))
      console.log(JSON.stringify(results))
    `))
  let count = 0
  storageContract(name, async () => assert.fail('it runs in Deno'), {
    test(title) {
      const n = count++
      void test(title, async () => assert.equal((await run())[n], 'kept'))
    },
  })
}

contractInDeno('denoKv', `async () => {
  const file = await Deno.makeTempFile()
  const opened: Deno.Kv[] = []
  return {
    open: async () => {
      opened.push(await Deno.openKv(file))
      return denoKv(opened.at(-1)!)
    },
    remove: async () => {
      for (const kv of opened) kv.close()
      await Deno.remove(file)
    },
  }
}`)

contractInDeno('webCache in Deno', `async name => ({ open: async () => webCache(await caches.open(name)), remove: () => caches.delete(name) })`)

storageContract('denoKv in Node, by @deno/kv', async () => {
  const kv = await openKv(':memory:')
  return { open: () => denoKv(kv), remove: async () => kv.close() }
}, { test })

/** A KV in memory, a storage over it, and keys. */
const start = `
  import { denoKv } from 'reprise/deno-kv'
  const kv = await Deno.openKv(':memory:')
  const storage = denoKv(kv)
  const key = (n: number) => n.toString(16).padStart(64, '0')
  const full = (size: number, value = 7) => new Uint8Array(size).fill(value)
  const listed = async (prefix: Deno.KvKey = ['reprise:']) => (await Array.fromAsync(kv.list({ prefix }))).map(({ key }) => key.slice(1).join(' '))
  const counted = async () => Object.fromEntries(await Promise.all(['entry', 'generation', 'chunk'].map(async what => [what, (await listed(['reprise:', what])).length])))
`

test('Entries of every length come back: at the limit of a value, of one atomic step, and of several', async () => {
  const sizes = [0, 1, 59_999, 60_000, 60_001, 65_536, 120_000, 120_001, 720_000, 720_001, 819_200, 8_388_608, 40_000_000]
  const found = await deno.run(`${start}
    const found = []
    for (const size of ${JSON.stringify(sizes)}) {
      const entry = new Uint8Array(size)
      for (let i = 0; i < size; i += 997) entry[i] = i / 997
      await storage.set(key(1), entry, {})
      const back = await storage.get(key(1))
      found.push(back!.length === size && back!.every((byte, i) => byte === entry[i]) ? size : -1)
    }
    console.log(JSON.stringify(found))
  `)
  assert.deepEqual(found, sizes)
})

test('What does not fit at all is refused with what to do, and nothing of it is left', async () => {
  const found = await deno.run(`${start}
    const error = await storage.set(key(1), new Uint8Array(54_000_001), {}).catch(error => error.message)
    console.log(JSON.stringify({ error, listed: await listed() }))
  `)
  assert.deepEqual(found, { error: 'denoKv: an entry of 54000001 bytes was not written: the most is 54000000. Set memory.maxEntryBytes lower, or keep such results elsewhere.', listed: [] })
})

test('Nothing is left of chunks that were replaced, deleted or cleared', async () => {
  const found = await deno.run(`${start}
    const seen = []
    const look = async () => seen.push(Object.values(await counted()).join(' '))
    await storage.set(key(1), full(1_000_000), {}); await look()
    await storage.set(key(1), full(200_000), {}); await look()
    await storage.set(key(1), full(100), {}); await look()
    await storage.set(key(1), full(200_000), {}); await storage.delete(key(1)); await look()
    await storage.set(key(1), full(200_000), {}); await storage.set(key(1), full(1), { expiresAt: Date.now() }); await look()
    await storage.add!(key(2), full(200_000)); await storage.add!(key(2), full(1_000_000)); await look()
    await Promise.all([3, 4, 5].map(n => storage.set(key(1), full(100_000 * n, n), {}))); await storage.delete(key(2)); await look()
    await kv.set(['theirs'], 1); await kv.set(['reprise', 'entry'], 1)
    await storage.clear!(); await look()
    seen.push((await Array.fromAsync(kv.list({ prefix: [] }))).length)
    console.log(JSON.stringify(seen))
  `)
  const [long, shorter, short, deleted, over, added, raced, cleared, theirs] = found as string[]
  assert.deepEqual({ long, shorter, short, deleted, over, added, cleared, theirs }, { long: '1 1 17', shorter: '1 1 4', short: '1 0 0', deleted: '0 0 0', over: '0 0 0', added: '1 1 4', cleared: '0 0 0', theirs: 2 })
  assert.match(raced!, /^1 1 (5|7|9)$/, 'of three at once, the chunks of one are left')
})

test('Readers meet one write or another while several processes replace an entry of many atomic steps', async () => {
  const found = await deno.run<{ torn: number; gone: number; seen: number; left: Record<string, number> }>(`${start.replace(':memory:', '${file}').replace('const kv', "const file = await Deno.makeTempFile()\n  const kv").replace("'${file}'", 'file')}
    const other = denoKv(await Deno.openKv(file))
    const sizes = [100, 150_000, 1_500_000]
    await storage.set(key(1), full(1_500_000, 0), {})
    let writing = true
    let torn = 0, gone = 0
    const seen = new Set()
    const read = async (from: typeof storage) => {
      while (writing) {
        const found = await from.get(key(1))
        if (found === undefined) gone++
        else if (found.length !== sizes[found[0] % 3] && found[0] !== 0 || found.some(byte => byte !== found[0])) torn++
        else seen.add(found[0])
      }
    }
    const write = async (to: typeof storage, first: number) => {
      for (let i = first; i < 60; i += 2) await to.set(key(1), full(sizes[i % 3], i), {})
    }
    const readers = [read(storage), read(other)]
    await Promise.all([write(storage, 1), write(other, 2)])
    writing = false
    await Promise.all(readers)
    console.log(JSON.stringify({ torn, gone, seen: seen.size, left: await counted() }))
  `)
  assert.deepEqual([found.torn, found.gone], [0, 0])
  assert.ok(found.seen > 2, `${found.seen} of 60 writes were seen`)
  assert.equal(found.left['generation']! <= 1, true, `${JSON.stringify(found.left)}`)
})

test('A reader whose chunks are replaced before it has them reads what replaced them; one that is overtaken for ever says so', async () => {
  const kv = await openKv(':memory:')
  const storage = denoKv(kv)
  const key = 'a'.repeat(64)
  const full = (value: number): Uint8Array => new Uint8Array(150_000).fill(value)
  /** Somebody else writes between a reader's two looks, so many times. */
  const overtaken = (times: number): DenoKv => ({
    get: name => kv.get(name as string[]),
    getMany: async names => {
      if (times-- > 0) await storage.set(key, full(times), {})
      return kv.getMany(names as string[][])
    },
    list: selector => kv.list(selector as { prefix: string[] }),
    atomic: () => assert.fail(),
  })
  await storage.set(key, full(9), {})
  assert.deepEqual(await denoKv(overtaken(1)).get(key), full(0))
  assert.deepEqual(await denoKv(overtaken(3)).get(key), full(0))
  await assert.rejects(denoKv(overtaken(Infinity)).get(key), /denoKv: an entry was not read, as others write the same key all the time/)
  kv.close()
})

test('A write that others undid half-way begins again; one that ended half-way is removed by the next', async () => {
  const found = await deno.run(`${start}
    // Another process deletes the key after the first step of a write that takes several.
    let commits = 0
    const disturbed = new Proxy(kv, {
      get(target, name) {
        if (name !== 'atomic') return (...args: unknown[]) => (target as any)[name](...args)
        return () => {
          const step = target.atomic()
          const commit = step.commit.bind(step)
          step.commit = async () => {
            if (commits++ === 1) await storage.delete(key(1))
            return commit()
          }
          return step
        }
      },
    })
    await denoKv(disturbed as Deno.Kv).set(key(1), full(1_500_000, 9), {})
    const back = await storage.get(key(1))
    const whole = back?.length === 1_500_000 && back.every(byte => byte === 9)
    const afterwards = Object.values(await counted()).join(' ')
    // A process that ends after its first step.
    commits = 0
    const ended = new Proxy(kv, {
      get(target, name) {
        if (name !== 'atomic') return (...args: unknown[]) => (target as any)[name](...args)
        return () => {
          if (commits++ === 1) throw new Error('ended')
          return target.atomic()
        }
      },
    })
    const error = await denoKv(ended as Deno.Kv).set(key(2), full(1_500_000, 8), {}).catch(error => error.message)
    const half = [await storage.get(key(2)) ?? null, Object.values(await counted()).join(' ')]
    await storage.set(key(2), full(1), {})
    console.log(JSON.stringify({ whole, afterwards, error, half, last: Object.values(await counted()).join(' ') }))
  `)
  assert.deepEqual(found, { whole: true, afterwards: '1 1 25', error: 'ended', half: [null, '1 2 37'], last: '2 1 25' })
})

test('An entry whose chunks are lost is not there', async () => {
  const found = await deno.run(`${start}
    await storage.set(key(1), full(200_000), {})
    for await (const { key } of kv.list({ prefix: ['reprise:', 'chunk'] })) { await kv.delete(key); break }
    const torso = await storage.get(key(1)) ?? null
    await kv.set(['reprise:', 'entry', key(1)], { generation: 'x', chunks: 1e9, bytes: 6e13 })
    console.log(JSON.stringify([torso, await storage.get(key(1)) ?? null]))
  `)
  assert.deepEqual(found, [null, null])
})

test('All parts of an entry end by themselves when it does; tokens do not', async () => {
  const found = await deno.run(`${start}
    const given: unknown[] = []
    const noted = new Proxy(kv, {
      get(target, name) {
        if (name !== 'atomic') return (...args: unknown[]) => (target as any)[name](...args)
        return () => {
          const step = target.atomic()
          const set = step.set.bind(step)
          step.set = (key: Deno.KvKey, value: unknown, options?: { expireIn?: number }) => (given.push(options?.expireIn ?? null), set(key, value, options))
          return step
        }
      },
    })
    const storage2 = denoKv(noted as Deno.Kv)
    await storage2.set(key(1), full(100_000), { expiresAt: Date.now() + 1e6 + 0.5 })
    const ends = given.splice(0)
    await storage2.set(key(1).slice(48), full(16), {})
    await storage2.add!(key(2).slice(48), full(16))
    await storage2.set(key(3), full(16), { expiresAt: Infinity })
    await storage2.set(key(3), full(16), { expiresAt: 8.64e15 })
    console.log(JSON.stringify({ ends, given }))
  `)
  const { ends, given } = found as { ends: number[]; given: unknown[] }
  assert.equal(ends.length, 4, 'generation, two chunks, head')
  for (const end of ends) assert.ok(Number.isInteger(end) && end > 990_000 && end <= 1_000_001, `${end}`)
  assert.deepEqual(given, [null, null, null, null])
})

test('What one cache computed, another finds, until the tag is invalidated', async () => {
  const found = await deno.run(`${start}
    import { createCache } from 'reprise'
    let runs = 0
    const open = async () => {
      const cache = await createCache({ scope: 'test', storage: denoKv(kv), storageDeadline: '20s', invalidationLag: 0 })
      return { cache, ask: cache.wrap(async (n: number) => ({ text: 'x'.repeat(n), run: ++runs }), { name: 'ask', tags: n => ['tag-' + n] }) }
    }
    const [a, b] = [await open(), await open()]
    const said: unknown[] = []
    const ask = async (from: typeof a, n: number) => { const { text, run } = await from.ask(n); await from.cache.settled(); said.push([text.length, run]) }
    await ask(a, 10); await ask(a, 300_000)
    await ask(b, 10); await ask(b, 300_000)
    await a.cache.invalidate({ tag: 'tag-300000' })
    await ask(b, 300_000); await ask(a, 300_000); await ask(b, 10)
    await a.cache.close(); await b.cache.close()
    console.log(JSON.stringify(said))
  `)
  assert.deepEqual(found, [[10, 1], [300_000, 2], [10, 1], [300_000, 2], [300_000, 3], [300_000, 3], [10, 1]])
})

test('The types of Deno.Kv and of its Cache are accepted', async () => {
  await deno.run(`
    import { denoKv } from 'reprise/deno-kv'
    import { webCache } from 'reprise/web-cache'
    denoKv(await Deno.openKv())
    denoKv({ kv: await Deno.openKv(), prefix: 'a' })
    webCache(await caches.open('a'))
  `, 'check')
})

test('What is no KV is refused at once', () => {
  for (const wrong of [undefined, null, 5, 'kv', {}, { kv: {} }]) assert.throws(() => denoKv(wrong as never), /OptionError: denoKv: .* is no KV of Deno\. Give await Deno\.openKv\(\)/)
})
