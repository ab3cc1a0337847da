// The stories in a real Chromium. (What else it must do with its storage is in tests/contract.)

import { test } from 'node:test'
import { startChromium, visitChromium } from './chromium.js'
import * as stories from './stories.js'

const { told } = stories.inBrowser(startChromium)

test('Chromium | a page computes once, then hits in memory, after a reload in IndexedDB, and computes anew what is invalidated', told(stories.keepsItsAnswers))
test('Chromium | another tab finds an entry, and hears that it is invalidated', told(stories.hearsOfOthers))
test('Chromium | two tabs that ask at once compute once', told(stories.computesOnceForAll))
test('Chromium | a tab that is closed while it computes is replaced by one that waits', told(stories.takesOverFromTheGone))
test('Chromium | a module worker does the same as a page, and shares with it', told(stories.worksInAWorker))
test('Chromium | a page that did not come over https does the same', told(stories.needsNoHttps))
test('Chromium | what was kept is found after the browser was ended', told(stories.outlivesTheBrowser(visitChromium)))
test('Chromium | a policy without wasm-unsafe-eval: a core in JavaScript takes over, and one event says what to do', told(stories.worksOnItsCoreInJavaScript))
test('Chromium | a page without crypto, performance, navigator, Web Locks, BroadcastChannel or IndexedDB: calls work, with one event at the most', told(stories.doesWithout))
