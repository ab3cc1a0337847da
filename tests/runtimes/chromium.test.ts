// The demo page in a real Chromium, over its real IndexedDB, under the policy that demo/serve.ts sends.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Endpoint, ownModelName, startEndpoint } from '../../demo/endpoint.js'
import { buildPage } from '../../demo/page.js'
import { type Served, serve } from '../../demo/serve.js'
import { installedChromium } from '../contract/chromium.js'

let endpoint: Endpoint
let served: Served
let browser: Browser

before(async () => {
  await buildPage()
  endpoint = await startEndpoint({ pace: { firstTokenMs: 0, tokenMs: 0 } })
  served = await serve({ port: 0, upstream: { baseUrl: endpoint.baseUrl, model: ownModelName, description: 'the model of the tests' } })
  browser = await chromium.launch({ executablePath: installedChromium(), args: ['--no-sandbox'] })
})

after(async () => {
  await browser?.close()
  await served?.close()
  await endpoint?.close()
})

describe('the demo page in Chromium', () => {
  test('computes a call once, remembers it across a reload, and forgets it when told', async () => {
    await withPage(async (page) => {
      const before = endpoint.requests
      assert.match(await call(page, 'chat'), /^Computed in .* It is kept now/)
      assert.match(await call(page, 'paint'), /^Computed in .* It is kept now/)
      assert.equal(endpoint.requests, before + 1)
      const answer = await resultOf(page, 'chat')
      const picture = await pictureOf(page)
      await waitForKept(page, /^IndexedDB holds 2 entries with /)

      assert.match(await call(page, 'chat'), /^From memory in .* so this saved /)
      assert.match(await call(page, 'paint'), /^From memory in .* so this saved /)
      assert.equal(await resultOf(page, 'chat'), answer)

      await open(page)
      assert.match(await call(page, 'chat'), /^From IndexedDB in .* so this saved /)
      assert.match(await call(page, 'paint'), /^From IndexedDB in .* so this saved /)
      assert.match(await call(page, 'paint'), /^From memory /)
      assert.equal(await resultOf(page, 'chat'), answer)
      assert.deepEqual(await pictureOf(page), picture)
      assert.equal(endpoint.requests, before + 1, 'a hit does not reach the model')

      await page.click('#forget')
      await waitForKept(page, /^IndexedDB holds no entry/)
      assert.match(await call(page, 'chat'), /^Computed in /)
      assert.match(await call(page, 'paint'), /^Computed in /)
      assert.equal(endpoint.requests, before + 2)
      assert.deepEqual(await pictureOf(page), picture, 'the same request paints the same picture')

      await open(page)
      assert.match(await call(page, 'paint'), /^From IndexedDB /, 'what is computed after forgetting is kept')
    })
  })

  test('lists the last calls, newest first, with where their answers came from', async () => {
    await withPage(async (page) => {
      await call(page, 'paint')
      await call(page, 'paint')
      const lines = await page.locator('#calls tbody tr').allInnerTexts()
      assert.equal(lines.length, 2)
      assert.match(lines[0]!, /^paint\s+memory\s+.* ms\s+.* k?B\s+.* m?s$/)
      assert.match(lines[1]!, /^paint\s+computed\s+/)
    })
  })

  test('computes again when the record in IndexedDB is damaged, and replaces the record', async () => {
    await withPage(async (page) => {
      await call(page, 'chat')
      const before = endpoint.requests
      await waitForKept(page, /^IndexedDB holds 1 entry /)
      assert.equal(await flipAByteOfEachEntry(page), 1)

      await open(page)
      assert.match(await call(page, 'chat'), /^Computed in .* what IndexedDB held could not be used \(bad-seal\)\. It is kept now/)
      assert.equal(endpoint.requests, before + 1)
      await waitForKept(page, /^IndexedDB holds 1 entry /)

      await open(page)
      assert.match(await call(page, 'chat'), /^From IndexedDB /)
      assert.equal(endpoint.requests, before + 1)
    })
  })

  test('goes on when the data of the site is cleared while it is open: what is computed then is kept', async () => {
    await withPage(async (page) => {
      await call(page, 'chat')
      const session = await page.context().newCDPSession(page)
      await session.send('Storage.clearDataForOrigin', { origin: new URL(served.url).origin, storageTypes: 'indexeddb' })
      assert.match(await call(page, 'chat'), /^From memory /)
      assert.match(await call(page, 'paint'), /^Computed in .* It is kept now/)
      await waitForKept(page, /^IndexedDB holds 1 entry /)
    })
  })

  test('drops what is computed while everything is being forgotten', async () => {
    await withPage(async (page) => {
      const release = await holdRequests(page, '**/v1/chat/completions')
      const verdict = call(page, 'chat')
      await release.asked
      await page.click('#forget')
      await waitForForgetting(page)
      release.go()
      assert.match(await verdict, /It is not kept, as everything was to be forgotten while it was made\.$/)
      assert.match(await call(page, 'chat'), /^Computed in .* It is kept now/)
    })
  })

  test('remembers all the same, and says so once, where the policy forbids WebAssembly', async () => {
    await withPage(async (page, problems) => {
      await forbidWebAssembly(page)
      const before = endpoint.requests
      await open(page)
      assert.match(await call(page, 'chat'), /^Computed in .* It is kept now/)
      assert.match(await call(page, 'chat'), /^From memory in /)
      const notices = await page.locator('#notices .notice').allInnerTexts()
      assert.equal(notices.length, 1, notices.join('\n'))
      assert.match(notices[0]!, /^WebAssembly could not be started here, so the cache runs on its core in JavaScript.* Add 'wasm-unsafe-eval' to script-src in the page's Content-Security-Policy\. \(.*Content Security Policy/)
      await waitForKept(page, /^IndexedDB holds 1 entry /)
      await open(page)
      assert.match(await call(page, 'chat'), /^From IndexedDB in /)
      assert.equal(endpoint.requests, before + 1)
      // What the policy refused is the point of this test; anything else is not.
      const others = problems.splice(0).filter((problem) => !/wasm|WebAssembly/i.test(problem))
      assert.deepEqual(others, [])
    })
  })

  test('says what is wrong when the address asks for a picture that cannot be', async () => {
    await withPage(async (page) => {
      await open(page, '?width=many')
      await page.click('#paint .run')
      await page.waitForSelector('#paint[data-source=failed]')
      assert.match(await verdictOf(page, 'paint'), /^The call failed\. paint: width must be a whole number from 1 to 4096, not NaN\.$/)
    })
  })
})

// ---- the page -----------------------------------------------------------------------------------

type CallName = 'paint' | 'chat'

const smallPicture = '?width=48&height=32&samples=1'

/** A page with a database of its own. Anything that the browser complains of fails the test. */
async function withPage(work: (page: Page, problems: string[]) => Promise<void>): Promise<void> {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    const problems = watch(page)
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        console.error(`The policy ${violatedDirective} refused ${blockedURI}.`)
      })
    })
    await open(page)
    await work(page, problems)
    assert.deepEqual(problems, [])
  } finally {
    await context.close()
  }
}

function watch(page: Page): string[] {
  const problems: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => problems.push(`page: ${error.message}`))
  return problems
}

/** Opens the page, or reloads it, and waits until both calls can be made. */
async function open(page: Page, search = smallPicture): Promise<void> {
  await page.goto(served.url + search)
  await page.waitForFunction(() => document.querySelector('#model')!.textContent !== '')
}

/** Clicks the button of a call, waits for its end and its entry, and answers with what the page says about it. */
async function call(page: Page, name: CallName): Promise<string> {
  const lines = page.locator('#calls tbody tr')
  const before = await lines.count()
  await page.click(`#${name} .run`)
  await page.waitForSelector(`#calls tbody tr:nth-child(${before + 1}), #${name}[data-source=failed]`, { state: 'attached' })
  // The page reads the database again after each call. The entry was on its way by then, so it is there when that ends.
  await page.waitForSelector('#kept[aria-busy=false]')
  const verdict = await verdictOf(page, name)
  assert.equal(await lines.count(), before + 1, verdict)
  return verdict
}

function verdictOf(page: Page, name: CallName): Promise<string> {
  return page.locator(`#${name} .verdict`).innerText()
}

function resultOf(page: Page, name: CallName): Promise<string> {
  return page.locator(`#${name} .result`).innerText()
}

/** The pixels on the screen, as the browser decoded them. */
function pictureOf(page: Page): Promise<number[]> {
  return page.evaluate(async () => {
    const image = document.querySelector<HTMLImageElement>('#paint img')!
    await image.decode()
    const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight)
    const drawing = canvas.getContext('2d')!
    drawing.drawImage(image, 0, 0)
    return [...drawing.getImageData(0, 0, canvas.width, canvas.height).data]
  })
}

async function waitForKept(page: Page, text: RegExp): Promise<void> {
  await page.locator('#kept').filter({ hasText: text }).waitFor()
}

async function waitForForgetting(page: Page): Promise<void> {
  // The other call is not running, so its line says that the page has forgotten.
  await page.locator('#paint .verdict').filter({ hasText: /^Forgotten\./ }).waitFor()
}

// ---- what tests do to it ------------------------------------------------------------------------

/** Changes what the cache has stored, behind its back. Answers with the number of entries it damaged. */
function flipAByteOfEachEntry(page: Page): Promise<number> {
  return page.evaluate(
    () =>
      new Promise<number>((resolve, reject) => {
        const opening = indexedDB.open('reprise')
        opening.onerror = () => reject(opening.error)
        opening.onsuccess = () => {
          const transaction = opening.result.transaction('entries', 'readwrite')
          let damaged = 0
          const walking = transaction.objectStore('entries').openCursor()
          walking.onsuccess = () => {
            const cursor = walking.result
            if (cursor === null) return
            // An entry is named by 64 digits; shorter names are those of the cache's tokens.
            if (String(cursor.key).length === 64) {
              const entry = new Uint8Array(cursor.value as ArrayBuffer)
              entry[entry.length >> 1]! ^= 1
              cursor.update(entry.buffer)
              damaged++
            }
            cursor.continue()
          }
          transaction.onabort = () => reject(transaction.error)
          transaction.oncomplete = () => {
            opening.result.close()
            resolve(damaged)
          }
        }
      }),
  )
}

/** Keeps requests from leaving until go(); `asked` resolves when the first one is there. */
async function holdRequests(page: Page, pattern: string): Promise<{ asked: Promise<void>; go: () => void }> {
  let go!: () => void
  let seen!: () => void
  const released = new Promise<void>((resolve) => { go = resolve })
  const asked = new Promise<void>((resolve) => { seen = resolve })
  await page.route(pattern, async (route) => {
    seen()
    await released
    await route.continue()
  })
  return { asked, go }
}

/** The page as it was built, under a policy that many sites have: scripts, and no WebAssembly. */
async function forbidWebAssembly(page: Page): Promise<void> {
  await page.route(`${served.url}?*`, async (route) => {
    const response = await route.fetch()
    const headers = response.headers()
    const policy = headers['content-security-policy']!.replace(" 'wasm-unsafe-eval'", '')
    await route.fulfill({ response, headers: { ...headers, 'content-security-policy': policy } })
  })
}
