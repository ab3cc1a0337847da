// The stories in a real Firefox, and the contract of storages over its IndexedDB.

import { test } from 'node:test'
import { startFirefox, visitFirefox } from './firefox.js'
import * as stories from './stories.js'

const { run, told } = stories.inBrowser(startFirefox)

test('Firefox | a page computes once, then hits in memory, after a reload in IndexedDB, and computes anew what is invalidated', told(stories.keepsItsAnswers))
test('Firefox | another tab finds an entry, and hears that it is invalidated', told(stories.hearsOfOthers))
test('Firefox | two tabs that ask at once compute once', told(stories.computesOnceForAll))
test('Firefox | a tab that is closed while it computes is replaced by one that waits', told(stories.takesOverFromTheGone))
test('Firefox | a module worker does the same as a page, and shares with it', told(stories.worksInAWorker))
test('Firefox | a page that did not come over https does the same', told(stories.needsNoHttps))
test('Firefox | what was kept is found after the browser was ended', told(stories.outlivesTheBrowser(visitFirefox)))
test('Firefox | a policy without wasm-unsafe-eval: a core in JavaScript takes over, and one event says what to do', told(stories.worksOnItsCoreInJavaScript))
test('Firefox | a page without crypto, performance, navigator, Web Locks, BroadcastChannel or IndexedDB: calls work, with one event at the most', told(stories.doesWithout))

stories.contractOf('Firefox', { run })
