// What goes wrong with IndexedDB, in a real Chromium. (WebKit's lost server is not here: there is no WebKit on the machines that run these tests.)
//
// After each fault: the function ran once for each argument, its callers got what it made, errors are counted, and the page heard of no rejection that nobody caught.

import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { after, before, describe } from 'node:test'
import type { Page } from 'playwright-core'
import { type Chromium, killChromium, newProfile, newTab, type Site, startChromium, startSite, type Tab } from './chromium.js'
import type { Wave } from './indexed-db-page.js'

let site: Site

before(async () => { site = await startSite() })
after(() => site?.close())

const ones = (count: number): number[] => Array.from({ length: count }, () => 1)

/** The function ran once for each, and callers have what it made. */
function computed(wave: Wave, count: number): void {
  assert.deepEqual(wave.runs, ones(count))
  assert.ok(wave.right, 'a caller got something else than the function made')
}

/** Everything came out of storage, or of memory. */
function kept(wave: Wave, count: number): void {
  assert.deepEqual(wave.runs, Array.from({ length: count }, () => 0))
}

/** The only state that was told of, with the failures that led to it. */
function leftAlone(wave: Wave): void {
  assert.deepEqual(wave.events.filter(event => event.startsWith('storage:')), ['storage:open'])
  assert.equal(new Set(wave.errors).size, 1, `different errors: ${wave.errors.join('\n')}`)
  assert.equal(wave.storageErrors, wave.errors.length)
}

describe('in one browser', () => {
  let chromium: Chromium
  let profile: Awaited<ReturnType<typeof newProfile>>

  before(async () => {
    profile = await newProfile()
    chromium = await startChromium(profile.path)
  })

  after(async () => {
    await chromium?.close()
    await profile?.remove()
  })

  /** Tabs of an origin that holds nothing yet. */
  async function withTabs(count: number, body: (...tabs: Tab[]) => Promise<void>, init?: () => void): Promise<void> {
    const tabs: Tab[] = []
    for (let i = 0; i < count; i++) tabs.push(await newTab(chromium.context, site, init))
    try {
      await tabs[0]!.cdp.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'all' })
      await body(...tabs)
      for (const { problems } of tabs) assert.deepEqual(problems, [])
    } finally {
      await tabs[0]!.cdp.send('Storage.overrideQuotaForOrigin', { origin: site.origin })
      for (const { page } of tabs) await page.close()
    }
  }

  /** Chromium holds its databases to this many bytes. Random ones: what compresses would not count. */
  const quota = (tab: Tab, quotaSize: number): Promise<unknown> => tab.cdp.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize })
  const clearData = (tab: Tab): Promise<unknown> => tab.cdp.send('Storage.clearDataForOrigin', { origin: site.origin, storageTypes: 'indexeddb' })

  test('A rejection that nobody catches does not go unseen by these tests', async () => {
    const tab = await newTab(chromium.context, site)
    await tab.page.evaluate(() => { void Promise.reject(new Error('unheard')) })
    await tab.page.waitForFunction(() => true)
    assert.match(tab.problems.join(), /unheard/)
    await tab.page.close()
  })

  // ---- no room ------------------------------------------------------------------------------------

  test('No room: what is over leaves first, then what is worth least; tokens stay', () =>
    withTabs(1, async tab => {
      await quota(tab, 2_300_000)
      const left = await tab.page.evaluate(async () => {
        const storage = kit.indexedDb()
        const now = Date.now()
        const hour = 3_600_000
        const token = 'a'.repeat(16)
        await storage.set(token, kit.random(16), {})
        await storage.set(kit.key(1), kit.entry(600_000, { created: now - hour, staleUntil: now + hour, cost: 50_000 }), {})
        await storage.set(kit.key(2), kit.entry(600_000, { created: now - 2 * hour, staleUntil: now - hour, cost: 9e9 }), {})
        await storage.set(kit.key(3), kit.entry(600_000, { created: now - hour, staleUntil: now + hour, cost: 10 }), {})
        await storage.set(kit.key(4), kit.entry(600_000, { created: now, staleUntil: now + hour, cost: 1 }), {})
        const there = async (key: string): Promise<boolean> => (await storage.get(key)) !== undefined
        return { token: await there(token), entries: await Promise.all([1, 2, 3, 4].map(n => there(kit.key(n)))) }
      })
      // 600 KB and some more had to go.
      assert.deepEqual(left, { token: true, entries: [true, false, false, true] })
    }))

  test('No room: one that is too large is refused alone, and what was asked for with it is written', () =>
    withTabs(1, async tab => {
      await quota(tab, 2_000_000)
      const { outcome, there } = await tab.page.evaluate(async () => {
        const storage = kit.indexedDb()
        const sizes = [50_000, 5_000_000, 60_000, 70_000]
        const outcome = await Promise.allSettled(sizes.map((size, i) => storage.set(kit.key(i), kit.random(size), {})))
        return { outcome: outcome.map(each => (each.status === 'rejected' ? String(each.reason) : each.status)), there: await Promise.all(sizes.map(async (_, i) => (await storage.get(kit.key(i)))?.length)) }
      })
      assert.match(outcome[1]!, /^QuotaExceededError/)
      assert.deepEqual(outcome.toSpliced(1, 1), ['fulfilled', 'fulfilled', 'fulfilled'])
      assert.deepEqual(there, [50_000, undefined, 60_000, 70_000])
    }))

  test('No room: calls go on, what there is can be read, and entries make place for new ones', () =>
    withTabs(2, async (tab, other) => {
      await quota(tab, 2_500_000)
      const waves = await tab.page.evaluate(async () => {
        const session = await kit.session()
        const first = await session.wave(0, 4, 300_000)
        const others: Awaited<ReturnType<typeof session.wave>>[] = []
        // One after the other, far more than there is room for.
        for (let i = 4; i < 24; i++) others.push(await session.wave(i, 1, 300_000))
        return { first, others }
      })
      computed(waves.first, 4)
      for (const wave of waves.others) computed(wave, 1)
      const last = waves.others.at(-1)!
      const refused = waves.others.flatMap(({ errors }) => errors)
      assert.equal(last.storageErrors, refused.length)
      assert.ok(refused.length <= 5, `room was to be made, and was not: ${refused}`)
      assert.equal(last.storageState, 'closed')
      const found = await other.page.evaluate(async () => (await kit.session()).wave(0, 24, 300_000))
      const hits = found.runs.filter(runs => runs === 0).length
      assert.ok(hits >= 3, `${hits} of what was stored are left`)
      assert.ok(found.right)
    }))

  test('No room for what a function made, whatever leaves: what there was could be read until then, and each failure counts once', () =>
    withTabs(2, async (tab, other) => {
      await quota(tab, 700_000)
      computed(await tab.page.evaluate(async () => (await kit.session()).wave(0, 5, 100_000)), 5)
      const [hits, wave] = await other.page.evaluate(async () => {
        const session = await kit.session()
        return [await session.wave(0, 5, 100_000), await session.wave(5, 3, 900_000)] as const
      })
      kept(hits, 5)
      computed(wave, 3)
      assert.deepEqual(wave.events, ['storage-error:set', 'storage-error:set', 'storage-error:set'])
      assert.match(wave.errors[0]!, /^QuotaExceededError/)
      assert.equal(wave.storageErrors, 3)
      assert.equal(wave.storageState, 'closed')
    }))

  // ---- other tabs ---------------------------------------------------------------------------------

  test('Another tab that wants a later version gets it at once, and here calls go on without storage', () =>
    withTabs(2, async (tab, other) => {
      computed(await tab.page.evaluate(async () => {
        Object.assign(globalThis, { session: await kit.session() })
        return (globalThis as unknown as { session: Awaited<ReturnType<typeof kit.session>> }).session.wave(0, 3, 2_000)
      }), 3)
      const version = await other.page.evaluate(() => kit.done(indexedDB.open('reprise', 2)).then(({ version }) => version))
      assert.equal(version, 2)
      const waves = await tab.page.evaluate(async () => {
        const counts = kit.counted()
        const { session } = globalThis as unknown as { session: Awaited<ReturnType<typeof kit.session>> }
        return { first: await session.wave(3, 12, 2_000), second: await session.wave(15, 12, 2_000), opens: counts['open'] }
      })
      computed(waves.first, 12)
      computed(waves.second, 12)
      leftAlone({ ...waves.first, storageErrors: waves.first.errors.length })
      assert.match(waves.first.errors[0]!, /^StorageError: indexedDb: 'reprise' cannot be opened\. Reload the page, close other tabs.* \(VersionError/)
      assert.equal(waves.opens, 1, 'one failed, and no other was tried')
    }))

  test('A database that others do not let be opened costs one deadline, and is asked for once', () =>
    withTabs(3, async (tab, holder, upgrader) => {
      // The holder has the first version and does not react; so the upgrader waits, and who comes after it waits behind it.
      await holder.page.evaluate(async () => Object.assign(globalThis, { held: await kit.done(indexedDB.open('reprise', 1)) }) && undefined)
      await upgrader.page.evaluate(() => new Promise<void>(resolve => { indexedDB.open('reprise', 2).onblocked = () => resolve() }))
      const waves = await tab.page.evaluate(async () => {
        const counts = kit.counted()
        const session = await kit.session({ storageDeadline: '250ms' })
        const began = performance.now()
        const first = await session.wave(0, 8, 2_000)
        const ms = performance.now() - began
        return { first, second: await session.wave(8, 8, 2_000), ms, opens: counts['open'] }
      })
      computed(waves.first, 8)
      computed(waves.second, 8)
      assert.deepEqual(waves.first.events.filter(event => event.startsWith('storage:')), ['storage:open'])
      assert.match(waves.first.errors[0]!, /took longer than 250 ms/)
      assert.deepEqual(waves.second.errors, [])
      assert.equal(waves.opens, 1)
    }))

  test('An open that never ends (a fake: it has been seen in Safari) costs one deadline', () =>
    withTabs(1, async tab => {
      const waves = await tab.page.evaluate(async () => {
        const counts = { opens: 0 }
        // As IDBFactory.open, but no event ever comes.
        IDBFactory.prototype.open = () => {
          counts.opens++
          return Object.setPrototypeOf(new EventTarget(), IDBOpenDBRequest.prototype) as IDBOpenDBRequest
        }
        const session = await kit.session({ storageDeadline: '250ms' })
        return { first: await session.wave(0, 8, 2_000), second: await session.wave(8, 8, 2_000), ...counts, closes: await session.cache.close().then(() => true) }
      })
      computed(waves.first, 8)
      computed(waves.second, 8)
      assert.deepEqual(waves.first.events.filter(event => event.startsWith('storage:')), ['storage:open'])
      assert.match(waves.first.errors[0]!, /took longer than 250 ms/)
      assert.deepEqual(waves.second.errors, [])
      assert.equal(waves.closes, true)
    }))

  // ---- closed under us ----------------------------------------------------------------------------

  test('A database that is removed under us is opened once more for all who ask, and nobody notices but those who had stored something', () =>
    withTabs(2, async (tab, other) => {
      const [stored, opens] = await tab.page.evaluate(async () => {
        const counts = kit.counted()
        const session = await kit.session()
        Object.assign(globalThis, { session, counts })
        return [await session.wave(0, 10, 2_000), counts['open']] as const
      })
      computed(stored, 10)
      assert.equal(opens, 1)
      await clearData(tab)
      const after = await tab.page.evaluate(async () => {
        const { session, counts } = globalThis as unknown as { session: Awaited<ReturnType<typeof kit.session>>; counts: Record<string, number> }
        return { wave: await session.wave(10, 10, 2_000), opens: counts['open'] }
      })
      computed(after.wave, 10)
      assert.deepEqual(after.wave.events, [], after.wave.errors.join('\n'))
      // Chromium may have said that the data is cleared before it is: then the second opening is lost as the first was.
      assert.ok(after.opens === 2 || after.opens === 3, `${after.opens} openings`)
      const keys = await other.page.evaluate(async () => {
        const keys: string[] = []
        for await (const key of kit.indexedDb().keys!()) if (key.length === 64) keys.push(key)
        return keys.length
      })
      assert.equal(keys, 10)
    }))

  test('A connection that is closed between two requests, without a word, is made anew, and what was asked is asked again', () =>
    withTabs(1, async tab => {
      const found = await tab.page.evaluate(async () => {
        const storage = kit.indexedDb()
        await storage.set(kit.key(1), Uint8Array.of(1), {})
        const { transaction } = IDBDatabase.prototype
        let closed = 0
        IDBDatabase.prototype.transaction = function (...args) {
          if (closed++ === 0) this.close()
          return transaction.apply(this, args)
        }
        const all = await Promise.all([storage.get(kit.key(1)), storage.set(kit.key(2), Uint8Array.of(2), {}), storage.add!('b'.repeat(16), Uint8Array.of(3)), storage.get(kit.key(3))])
        return { first: [...all[0]!], added: all[2], none: all[3], second: [...(await storage.get(kit.key(2)))!] }
      })
      assert.deepEqual(found, { first: [1], added: true, none: undefined, second: [2] })
    }))

  test('What was asked for in transactions that the browser aborts is asked for again', () =>
    withTabs(1, async tab => {
      const found = await tab.page.evaluate(async () => {
        const storage = kit.indexedDb()
        await storage.set(kit.key(1), Uint8Array.of(1), {})
        const { transaction } = IDBDatabase.prototype
        let begun = 0
        IDBDatabase.prototype.transaction = function (...args) {
          const made = transaction.apply(this, args)
          // By then it has its requests.
          if (begun++ < 2) void Promise.resolve().then(() => made.abort())
          return made
        }
        const [first] = await Promise.all([storage.get(kit.key(1)), storage.set(kit.key(2), Uint8Array.of(2), {})])
        return { first: [...first!], second: [...(await storage.get(kit.key(2)))!] }
      })
      assert.deepEqual(found, { first: [1], second: [2] })
    }))

  test('A database that cannot be opened is not tried again at once: what is asked for meanwhile fails with the same error', () =>
    withTabs(1, async tab => {
      const found = await tab.page.evaluate(async () => {
        const later = await kit.done(indexedDB.open('later', 2))
        later.close()
        const counts = kit.counted()
        const storage = kit.indexedDb({ database: 'later' })
        const errors: unknown[] = []
        for (let i = 0; i < 20; i++) await storage.get(kit.key(i)).catch(error => errors.push(error))
        const opens = counts['open']!
        await kit.done(indexedDB.deleteDatabase('later'))
        // Now it could be opened, and is, when the moment is over.
        const began = performance.now()
        while (!(await storage.set(kit.key(1), Uint8Array.of(1), {}).then(() => true, () => false))) await new Promise(resolve => setTimeout(resolve, 20))
        return { errors: errors.length, different: new Set(errors).size, opens, ms: performance.now() - began, all: counts['open']! }
      })
      assert.deepEqual({ ...found, ms: 0 }, { errors: 20, different: 1, opens: 1, ms: 0, all: 2 })
      assert.ok(found.ms < 5_000)
    }))

  test('Data that is cleared while calls run is missed, never found in part', () =>
    withTabs(2, async (tab, other) => {
      const running = tab.page.evaluate(async () => {
        const session = await kit.session()
        const waves: Wave[] = []
        type Wave = Awaited<ReturnType<typeof session.wave>>
        for (let i = 0; i < 30; i++) waves.push(await session.wave(10 * i, 10, 70_000))
        return waves
      })
      for (let i = 0; i < 5; i++) {
        await clearData(tab)
        await other.page.evaluate(() => new Promise(resolve => setTimeout(resolve, 20)))
      }
      const waves = await running
      for (const wave of waves) computed(wave, 10)
      const found = await other.page.evaluate(async () => (await kit.session()).wave(0, 300, 70_000))
      assert.ok(found.runs.every(runs => runs <= 1))
      assert.ok(found.right)
      assert.ok(!found.events.includes('refused'), found.events.join())
    }))

  test('A database that is cleared away while it is made is made once more, and nobody notices', () =>
    withTabs(1, async tab => {
      const first = await tab.page.evaluate(async () => (await kit.session()).wave(0, 10, 2_000))
      computed(first, 10)
      assert.deepEqual(first.events, [], first.errors.join('\n'))
      assert.ok(await tab.page.evaluate(() => Reflect.get(globalThis, 'broken')))
      assert.equal((await tab.page.evaluate(async () => (await kit.session()).wave(0, 10, 2_000))).runs.reduce((sum, runs) => sum + runs), 0)
    }, () => {
      // As it happens when the site's data is cleared at that moment.
      const { createObjectStore } = IDBDatabase.prototype
      IDBDatabase.prototype.createObjectStore = function (...args) {
        const made = createObjectStore.apply(this, args)
        if (!Reflect.get(globalThis, 'broken')) queueMicrotask(() => made.transaction.abort())
        Reflect.set(globalThis, 'broken', true)
        return made
      }
    }))

  // ---- no IndexedDB -------------------------------------------------------------------------------

  const nowhere: [string, (page: Page) => Promise<unknown>][] = [
    ['a data: URL', async page => page.goto('data:text/html,<title>kit</title>').then(() => page.addScriptTag({ content: site.whole, type: 'module' }))],
    ['a frame in a sandbox', page => page.setContent(`<iframe sandbox="allow-scripts" src="${site.origin}/"></iframe>`)],
  ]
  for (const [where, go] of nowhere) {
    test(`Where there is no IndexedDB (${where}), that is said once, and memory serves`, async () => {
      const page = await chromium.context.newPage()
      const problems: string[] = []
      page.on('pageerror', error => problems.push(String(error)))
      await go(page)
      const frame = page.frames().at(-1)!
      await frame.waitForFunction(() => 'kit' in globalThis)
      const waves = await frame.evaluate(async () => {
        const session = await kit.session()
        return { first: await session.wave(0, 20, 2_000), again: await session.wave(0, 20, 2_000), more: await session.wave(20, 20, 2_000), listed: await kit.indexedDb().keys!()[Symbol.asyncIterator]().next().catch(String) }
      })
      computed(waves.first, 20)
      kept(waves.again, 20)
      computed(waves.more, 20)
      assert.equal(waves.first.events.length, 1, waves.first.events.join())
      assert.match(waves.first.errors[0]!, /^StorageError: indexedDb: there is none here, so entries live in memory only \(SecurityError/)
      assert.deepEqual([...waves.again.events, ...waves.more.events], [])
      assert.equal(waves.more.storageErrors, 1)
      assert.equal(waves.more.storageState, 'closed')
      assert.match(String(waves.listed), /there is none here/)
      assert.deepEqual(problems, [])
      await page.close()
    })
  }

  // ---- a tab that dies ----------------------------------------------------------------------------

  test('A tab that crashes while it writes leaves both of two that belong to one tick, or neither (20 times)', () =>
    withTabs(1, async tab => {
      let last = -1
      for (let cycle = 0; cycle < 20; cycle++) {
        const { page, cdp } = await newTab(chromium.context, site)
        const { torn, highest } = await page.evaluate(async () => {
          const storage = kit.indexedDb({ database: 'pairs' })
          const [a, b] = await Promise.all([storage.get(kit.key(1)), storage.get(kit.key(2))])
          const number = (bytes: Uint8Array | undefined): number => (bytes === undefined ? -1 : new DataView(bytes.buffer).getUint32(0))
          return { torn: number(a) !== number(b) || a?.length !== b?.length, highest: number(a) }
        })
        assert.equal(torn, false, `cycle ${cycle}`)
        assert.ok(highest >= last, `cycle ${cycle}: ${highest} after ${last} was acknowledged`)
        // What it acknowledges is noted outside of it.
        let acknowledged = highest
        await page.exposeFunction('noted', (n: number) => { acknowledged = Math.max(acknowledged, n) })
        await page.evaluate(from => {
          const storage = kit.indexedDb({ database: 'pairs' })
          void (async () => {
            for (let n = from + 1; ; n++) {
              const bytes = kit.random(5_000 + (n % 7) * 20_000)
              new DataView(bytes.buffer).setUint32(0, n)
              await Promise.all([storage.set(kit.key(1), bytes, {}), storage.set(kit.key(2), bytes, {})])
              void (globalThis as unknown as { noted(n: number): void }).noted(n)
            }
          })()
        }, highest)
        await page.waitForTimeout(20 + ((cycle * 13) % 40))
        const crashed = page.waitForEvent('crash')
        void cdp.send('Page.crash').catch(() => {})
        await crashed
        last = acknowledged
        await page.close()
      }
      assert.ok(last > 20, `only ${last} pairs were written`)
      assert.ok(tab)
    }))
})

// ---- a browser that dies ----------------------------------------------------------------------------

test('A browser that is killed keeps what it acknowledged', async () => {
  const profile = await newProfile()
  let chromium = await startChromium(profile.path)
  try {
    const { page } = await newTab(chromium.context, site)
    const stored = await page.evaluate(async () => {
      const storage = kit.indexedDb()
      for (let i = 0; i < 200; i += 20) await Promise.all(Array.from({ length: 20 }, (_, j) => storage.set(kit.key(i + j), new Uint8Array(1_000).fill(i + j), {})))
      return 200
    })
    await killChromium(chromium)
    chromium = await startChromium(profile.path)
    const { page: next, problems } = await newTab(chromium.context, site)
    const found = await next.evaluate(async count => {
      const storage = kit.indexedDb()
      const all = await Promise.all(Array.from({ length: count }, (_, i) => storage.get(kit.key(i))))
      return all.filter((bytes, i) => bytes?.length === 1_000 && bytes.every(byte => byte === (i & 255))).length
    }, stored)
    assert.equal(found, 200)
    assert.deepEqual(problems, [])
  } finally {
    await chromium.close()
    await profile.remove()
  }
})

test('A profile whose database is damaged: calls go on, and what is found is right', async t => {
  const outcomes = new Set<string>()
  for (const which of ['MANIFEST', '.log', 'CURRENT']) {
    const profile = await newProfile()
    let chromium = await startChromium(profile.path)
    try {
      const first = await newTab(chromium.context, site)
      computed(await first.page.evaluate(async () => (await kit.session()).wave(0, 100, 2_000)), 100)
      await chromium.close()
      const damaged = await flipBytes(profile.path, which)
      chromium = await startChromium(profile.path)
      const { page, problems } = await newTab(chromium.context, site)
      const { again, more, opens } = await page.evaluate(async () => {
        const counts = kit.counted()
        const session = await kit.session()
        return { again: await session.wave(0, 100, 2_000), more: await session.wave(100, 100, 2_000), opens: counts['open'] }
      })
      assert.ok(again.runs.every(runs => runs <= 1) && again.right)
      computed(more, 100)
      assert.equal(opens, 1)
      if (again.errors.length > 0) leftAlone({ ...again, storageErrors: again.errors.length })
      assert.deepEqual(more.errors, [], 'a storage that is left alone is not asked')
      outcomes.add(`${damaged}: ${again.runs.filter(runs => runs === 0).length} of 100 found, ${again.events.length + more.events.length} events${again.errors[0] === undefined ? '' : ` such as ${again.errors[0]}`}`)
      assert.deepEqual(problems, [])
    } finally {
      await chromium.close()
      await profile.remove()
    }
  }
  t.diagnostic([...outcomes].join('\n'))
})

/** Turns every 16th byte of what files of the databases have this in their name. */
async function flipBytes(profile: string, which: string): Promise<string> {
  const found = (await readdir(profile, { recursive: true })).filter(path => /IndexedDB.*127\.0\.0\.1/.test(path))
  const chosen = found.filter(path => path.split('/').at(-1)!.includes(which))
  for (const path of chosen) {
    const file = join(profile, path)
    const content = await readFile(file)
    for (let at = 0; at < content.length; at += 16) content[at]! ^= 0x55
    await writeFile(file, content)
  }
  assert.ok(chosen.length > 0, `nothing to damage among ${found.join(', ')}`)
  return chosen.map(path => path.split('/').at(-1)).join()
}
