// The stories in WebKit, as GTK has it, the contract of storages over its IndexedDB, and what only WebKit does: it loses the server of its databases.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as stories from './stories.js'
import { startWebKit, visitWebKit } from './webkit.js'

const { run, told } = stories.inBrowser(startWebKit)

test('WebKitGTK | a page computes once, then hits in memory, after a reload in IndexedDB, and computes anew what is invalidated', told(stories.keepsItsAnswers))
test('WebKitGTK | another tab finds an entry, and hears that it is invalidated', told(stories.hearsOfOthers))
test('WebKitGTK | two tabs that ask at once compute once', told(stories.computesOnceForAll))
test('WebKitGTK | a tab that is closed while it computes is replaced by one that waits', told(stories.takesOverFromTheGone))
test('WebKitGTK | a module worker does the same as a page, and shares with it', told(stories.worksInAWorker))
test('WebKitGTK | a page that did not come over https does the same', told(stories.needsNoHttps))
test('WebKitGTK | what was kept is found after the browser was ended', told(stories.outlivesTheBrowser(visitWebKit)))
test('WebKitGTK | a policy without wasm-unsafe-eval: a core in JavaScript takes over, and one event says what to do', told(stories.worksOnItsCoreInJavaScript))
test('WebKitGTK | a page without crypto, performance, navigator, Web Locks, BroadcastChannel or IndexedDB: calls work, with one event at the most', told(stories.doesWithout))

interface Lost extends Omit<stories.Posted, 'from'> {
  asked: number
  computed: number
  runs: number
  known: string
  opens: number
  storageErrors: number
  storageState: string
}

test('B4: the process of WebKit that keeps databases is killed: calls go on, memory serves, a few events tell, nothing is asked again and again, and a reload finds what was there', t =>
  run(t, ({ site }) =>
    stories.withProfile(async profile => {
      const begun = site.posted<stories.Posted>()
      const visiting = await visitWebKit(site.url({ page: 'lost-page' }), profile)
      try {
        const before = await begun
        assert.deepEqual([before.from, before.troubles], ['computed', []])
        const processes = visiting.storageProcesses()
        assert.equal(processes.length, 1)
        const lost = site.posted<Lost>()
        process.kill(processes[0]!, 'SIGKILL')
        const { asked, computed, runs, known, opens, storageErrors, storageState, troubles } = await lost
        const reloaded = site.posted<stories.Posted>()

        assert.deepEqual({ computed, runs, known }, { computed: asked, runs: asked + 1, known: 'memory' })
        assert.ok(asked > 30, `only ${asked} calls went on`)
        // It never comes back in this page. Visits are due after 1 s, then 2 s, then 4 s, each less up to a half.
        assert.ok(opens >= 1 && opens <= 5, `opened ${opens} times by ${asked} calls`)
        assert.ok(storageErrors >= 1 && storageErrors <= 10, `${storageErrors} errors by ${asked} calls`)
        assert.equal(storageState, 'open')
        const errors = troubles.filter(trouble => trouble.startsWith('storage-error'))
        assert.match(errors[0]!, /'reprise' cannot be opened\. Reload the page, .*Connection to Indexed Database server lost/)
        assert.deepEqual(troubles.filter(trouble => !/^(storage-error|storage|not-written)\b/.test(trouble)), [])

        const { from, answer, troubles: left } = await reloaded
        assert.deepEqual({ from, answer, left }, { from: 'storage', answer: before.answer, left: [] })
      } finally {
        await visiting.end()
      }
    })))

stories.contractOf('WebKitGTK', { run })
