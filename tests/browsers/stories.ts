/**
 * What is to be so in every browser, a story each. They run over one browser, each on a site of its own.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import { storageContract } from '../../js/testing/storage.js'
import { type Browser, type Tab, until, type Visit } from './browser.js'
import { type Site, startSite } from './site.js'

type Options = Parameters<Site['url']>[0]

interface Setting {
  readonly browser: Browser
  readonly site: Site
  /** A tab whose story can begin. */
  open(options?: Options): Promise<Tab>
}

type Story = (setting: Setting) => Promise<void>

/** Starts a browser for all tests of a file. `told` makes a test's body of a story; `run` is one itself. */
export function inBrowser(start: () => Promise<Browser>) {
  let starting: Promise<Browser> | undefined
  before(() => (starting = start()).then(() => {}))
  after(async () => (await starting?.catch(() => undefined))?.close())
  const run = async (t: TestContext, story: Story): Promise<void> => {
    const browser = await starting!
    t.diagnostic(`version ${browser.version}`)
    const site = await startSite()
    const tabs: Tab[] = []
    try {
      await story({
        browser,
        site,
        async open(options) {
          const tab = await browser.open(site.url(options))
          tabs.push(tab)
          if (options?.page === undefined) await tab.run(() => ready)
          return tab
        },
      })
    } finally {
      await Promise.all(tabs.map(tab => tab.close().catch(() => {})))
      site.close()
    }
  }
  return { run, told: (story: Story) => (t: TestContext) => run(t, story) }
}

const ask = (tab: Tab, prompt: string) => tab.run(prompt => story.ask(prompt), prompt)
const runs = (tab: Tab) => tab.run(() => story.runs())
const troubles = (tab: Tab) => tab.run(() => story.troubles())
const there = (tab: Tab, names: readonly string[]) => tab.run(names => story.there([...names]), names)

async function reload(tab: Tab): Promise<void> {
  await tab.reload()
  await tab.run(() => ready)
}

/** Computes, finds it in memory, after a reload in IndexedDB, and computes anew when it is invalidated. */
async function remembers(tab: Tab): Promise<void> {
  const first = await ask(tab, 'a')
  assert.equal(first.from, 'computed')
  assert.deepEqual(await ask(tab, 'a'), { ...first, from: 'memory' })
  assert.equal(await runs(tab), 1)

  await reload(tab)
  assert.deepEqual(await ask(tab, 'a'), { ...first, from: 'storage' })
  assert.deepEqual(await ask(tab, 'a'), { ...first, from: 'memory' })
  assert.equal(await runs(tab), 0)

  await tab.run(() => story.invalidate('a'))
  const second = await ask(tab, 'a')
  assert.equal(second.from, 'computed')
  assert.notEqual(second.answer, first.answer)
  assert.equal(await runs(tab), 1)
  await reload(tab)
  assert.deepEqual(await ask(tab, 'a'), { ...second, from: 'storage' })
}

export const keepsItsAnswers: Story = async ({ open }) => {
  const tab = await open()
  await remembers(tab)
  assert.deepEqual(await troubles(tab), [])
}

export const hearsOfOthers: Story = async ({ open }) => {
  const [one, two] = [await open(), await open()]
  const first = await ask(one, 'a')
  assert.deepEqual(await ask(two, 'a'), { ...first, from: 'storage' })
  assert.deepEqual(await ask(two, 'a'), { ...first, from: 'memory' })

  await one.run(() => story.invalidate('a'))
  await until(two, async () => !(await story.has('a')))
  const second = await ask(two, 'a')
  assert.equal(second.from, 'computed')
  assert.deepEqual(await ask(one, 'a'), { ...second, from: 'storage' })
  assert.deepEqual([await runs(one), await runs(two)], [1, 1])
  assert.deepEqual([...(await troubles(one)), ...(await troubles(two))], [])
}

export const computesOnceForAll: Story = async ({ open }) => {
  const [one, two] = [await open(), await open()]
  await one.run(() => { void story.hold(); void story.begin('a') })
  await until(one, async () => (await story.runs()) === 1)
  await two.run(() => { void story.begin('a'); void story.begin('a') })
  await until(two, async () => (await navigator.locks.query()).pending!.length > 0)
  await one.run(() => story.go())
  const [answer] = await one.run(() => story.answers())
  assert.match(answer!, /^a: run 1 of /)
  assert.deepEqual(await two.run(() => story.answers()), [answer, answer])
  assert.deepEqual([await runs(one), await runs(two)], [1, 0])
  assert.deepEqual([...(await troubles(one)), ...(await troubles(two))], [])
}

export const takesOverFromTheGone: Story = async ({ open }) => {
  const [one, two] = [await open(), await open()]
  await one.run(() => { void story.hold(); void story.begin('a') })
  await until(one, async () => (await story.runs()) === 1)
  await two.run(() => story.begin('a'))
  await until(two, async () => (await navigator.locks.query()).pending!.length > 0)
  await one.close()
  const [answer] = await two.run(() => story.answers())
  assert.match(answer!, /^a: run 1 of /)
  assert.equal(await runs(two), 1)
  assert.deepEqual(await troubles(two), [])
}

export const worksInAWorker: Story = async ({ open }) => {
  const worker = await open({ in: 'worker' })
  assert.deepEqual(await there(worker, ['document', 'WorkerGlobalScope']), ['WorkerGlobalScope'])
  await remembers(worker)
  // A worker and a page of one origin share what there is, and tell each other.
  const page = await open()
  assert.equal((await ask(page, 'a')).from, 'storage')
  await page.run(() => story.invalidate('a'))
  await until(worker, async () => !(await story.has('a')))
  assert.deepEqual([...(await troubles(worker)), ...(await troubles(page))], [])
}

export const needsNoHttps: Story = async ({ browser, open }) => {
  const tab = await open({ host: browser.untrustedHost })
  assert.deepEqual(await there(tab, ['crypto.subtle', 'navigator.locks', 'caches', 'indexedDB']), ['indexedDB'])
  assert.equal(await tab.run(() => isSecureContext), false)
  await remembers(tab)
  assert.deepEqual(await troubles(tab), [])
}

/** What comes of it where the core cannot start: `from` of two calls of one page, and the one event. */
interface Outcome {
  from: 'memory' | 'computed'
  says: RegExp
}

/** A policy that forbids WebAssembly. */
const forbidden: Outcome = { from: 'memory', says: /^fallback: .*Add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy\./ }

export const worksOnItsCoreInJavaScript: Story = async ({ open }) => {
  const tab = await open({ policy: 'without-wasm' })
  assert.equal((await ask(tab, 'a')).from, 'computed')
  assert.equal((await ask(tab, 'a')).from, forbidden.from)
  const said = (await troubles(tab)).filter(trouble => trouble !== 'the policy script-src refused wasm-eval')
  assert.equal(said.length, 1, said.join('\n'))
  assert.match(said[0]!, forbidden.says)
}

/** Nothing comes of it where no `outcome` is given. */
const lacks: { without: string[]; outcome?: Outcome }[] = [
  { without: ['crypto.subtle'] },
  { without: ['performance'] },
  { without: ['navigator'] },
  { without: ['navigator.locks'] },
  { without: ['BroadcastChannel'] },
  { without: ['indexedDB'] },
  { without: ['performance', 'navigator', 'BroadcastChannel', 'indexedDB', 'crypto.subtle'] },
  { without: ['crypto'], outcome: { from: 'computed', says: /^uncached: .* ReferenceError: .*crypto/ } },
  { without: ['crypto', 'performance', 'navigator', 'BroadcastChannel', 'indexedDB'], outcome: { from: 'computed', says: /^uncached: .* ReferenceError: .*crypto/ } },
  { without: ['WebAssembly'], outcome: { from: 'memory', says: /^fallback: .* ReferenceError: .*WebAssembly/ } },
  { without: ['DecompressionStream'], outcome: { from: 'memory', says: /^fallback: .* ReferenceError: .*DecompressionStream/ } },
]

export const doesWithout: Story = async ({ open }) => {
  for (const { without, outcome } of lacks) {
    const tab = await open({ without })
    const found = { there: await there(tab, without), first: await ask(tab, 'a'), second: await ask(tab, 'a'), said: await troubles(tab) }
    const what = `without ${without.join(', ')}: ${JSON.stringify(found)}`
    assert.deepEqual(found.there, [], what)
    // What an earlier page of this site has left is found where it can be.
    assert.match(found.first.answer, /^a: run 1 of /, what)
    assert.equal(found.second.from, outcome?.from ?? 'memory', what)
    assert.equal(found.said.length, outcome === undefined ? 0 : 1, what)
    if (outcome !== undefined) assert.match(found.said[0]!, outcome.says, what)
    await tab.close()
  }
}

/** The contract of storages: one test each, whose bodies are in a page. */
export const contractOf = (name: string, { run }: { run(t: TestContext, story: Story): Promise<void> }): void =>
  storageContract('IndexedDB', () => Promise.reject(new Error('it is run in the page')), {
    test: what =>
      void test(`${name}, ${what}`, t =>
        run(t, async ({ open }) => {
          const page = await open({ page: 'contract-page' })
          assert.equal(await page.run(what => contract(what), what), '')
        })),
  })

/** What a page that nobody can ask posts. */
export interface Posted {
  answer: string
  from: string
  troubles: string[]
}

export const outlivesTheBrowser = (visit: Visit): Story => async ({ site }) => {
  await withProfile(async profile => {
    const found: Posted[] = []
    for (let i = 0; i < 2; i++) {
      const posted = site.posted<Posted>()
      const visiting = await visit(site.url({ page: 'visit-page' }), profile)
      try {
        found.push(await posted)
      } finally {
        await visiting.end()
      }
    }
    assert.deepEqual(found.map(({ from }) => from), ['computed', 'storage'])
    assert.equal(found[1]!.answer, found[0]!.answer)
    assert.deepEqual(found.flatMap(({ troubles }) => troubles), [])
  })
}

export async function withProfile(work: (profile: string) => Promise<void>): Promise<void> {
  const profile = await mkdtemp(join(tmpdir(), 'reprise-profile-'))
  try {
    await work(profile)
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
}
