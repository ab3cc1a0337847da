// Tabs of one origin, in a real Chromium: they compute once for all of them, and tell each other what they invalidate.

import assert from 'node:assert/strict'
import test, { after, before } from 'node:test'
import type { Cache } from '../../js/cache.js'
import { type Chromium, newProfile, newTab, type Site, startChromium, startSite, type Tab } from './chromium.js'

interface Page {
  cache: Cache
  runs: number
  open(value: string): void
  ask(key: string): Promise<string>
}

declare global {
  /** What a page of these tests keeps from one evaluate() to the next. */
  var mine: Page
}

let site: Site
let chromium: Chromium
let profile: Awaited<ReturnType<typeof newProfile>>

before(async () => {
  ;[site, profile] = await Promise.all([startSite(), newProfile()])
  chromium = await startChromium(profile.path)
})

after(async () => {
  await chromium?.close()
  site?.close()
  await profile?.remove()
})

/** A tab with a cache whose function returns what `mine.open` is given. */
async function open(): Promise<Tab> {
  const tab = await newTab(chromium.context, site)
  await tab.page.evaluate(async () => {
    const cache = await kit.createCache({ invalidationLag: 'forever', storageDeadline: '5s' })
    let open!: (value: string) => void
    const answer = new Promise<string>(resolve => { open = resolve })
    const ask = cache.wrap(async (_: string) => {
      mine.runs++
      return answer
    }, { name: 'ask' })
    globalThis.mine = { cache, runs: 0, open, ask }
    // By then it listens.
    await cache.settled()
  })
  return tab
}

const runsIn = ({ page }: Tab): Promise<number> => page.evaluate(() => mine.runs)
const started = ({ page }: Tab): Promise<unknown> => page.waitForFunction(() => mine.runs > 0)

test('Two tabs that ask for the same at once run the function once', async () => {
  const [one, two] = [await open(), await open()]
  const first = one.page.evaluate(() => Promise.all(Array.from({ length: 50 }, () => mine.ask('once'))))
  await started(one)
  const second = two.page.evaluate(() => Promise.all(Array.from({ length: 50 }, () => mine.ask('once'))))
  await two.page.waitForFunction(() => navigator.locks.query().then(({ pending }) => pending!.length > 0))
  await one.page.evaluate(() => mine.open('of one'))
  for (const answers of [await first, await second]) assert.deepEqual(new Set(answers), new Set(['of one']))
  assert.deepEqual([await runsIn(one), await runsIn(two)], [1, 0])
  for (const { page, problems } of [one, two]) {
    assert.deepEqual(problems, [])
    await page.close()
  }
})

test('A tab that is closed while it computes is replaced by one that waits', async () => {
  const [one, two] = [await open(), await open()]
  const first = one.page.evaluate(() => mine.ask('closed')).catch(() => {})
  await started(one)
  await two.page.evaluate(() => mine.open('of two'))
  const second = two.page.evaluate(() => mine.ask('closed'))
  await two.page.waitForFunction(() => navigator.locks.query().then(({ pending }) => pending!.length > 0))
  await one.page.close()
  await first
  assert.equal(await second, 'of two')
  await two.page.close()
})

test('What one tab sets, deletes or invalidates is gone from the memory of the others at once', async () => {
  const [one, two] = [await open(), await open()]
  const get = ({ page }: Tab, key: string): Promise<unknown> => page.evaluate(key => mine.cache.get(key), key)
  await one.page.evaluate(() => mine.cache.set('k', 1, { tags: ['t'] }))
  assert.equal(await get(two, 'k'), 1)
  await one.page.evaluate(() => mine.cache.set('k', 2, { tags: ['t'] }))
  await two.page.waitForFunction(() => mine.cache.get('k').then(value => value === 2))
  await one.page.evaluate(() => mine.cache.invalidate({ tag: 't' }))
  await two.page.waitForFunction(() => mine.cache.has('k').then(has => !has))
  await one.page.evaluate(() => mine.cache.set('k', 3))
  assert.equal(await get(two, 'k'), 3)
  await two.page.evaluate(() => mine.cache.delete('k'))
  await one.page.waitForFunction(() => mine.cache.has('k').then(has => !has))
  for (const { page, problems } of [one, two]) {
    assert.deepEqual(problems, [])
    await page.close()
  }
})
