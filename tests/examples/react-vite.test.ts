// The example as Vite builds it, and as its server for development has it, in a real Chromium.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Browser, chromium, type Page } from 'playwright-core'
import { installedChromium } from '../contract/chromium.js'
import { copyOf, type Example } from './example.js'

let example: Example
let browser: Browser

before(async () => {
  example = await copyOf('react-vite')
  browser = await chromium.launch({ executablePath: installedChromium(), args: ['--no-sandbox'] })
})

after(async () => {
  await browser?.close()
  await example?.remove()
})

test('Its types are right', async () => {
  await example.run('npm run check')
})

test('A picture is painted once, comes from memory then, and after a reload from IndexedDB', async () => {
  await example.run(example.documented('npm run build'))
  const { origin, stop } = await example.start(`${example.documented('npm run preview')} -- --port 0`)
  const { page, painted, problems } = await opened(origin)
  assert.match(await choose(page, 'Spirals'), /^miss painted in /)
  const pixels = await pixelsOf(page)
  assert.ok(pixels.length > 100_000, 'it is a picture')
  assert.match(await choose(page, 'Coral'), /^miss painted in /)
  assert.notEqual(await pixelsOf(page), pixels)
  assert.match(await choose(page, 'Spirals'), /^hit from memory in .* saved /)
  assert.equal(await pixelsOf(page), pixels)
  assert.equal(painted.length, 2, painted.join('\n'))

  await page.waitForFunction(entriesInIndexedDb, 2)
  await page.reload()
  assert.match(await choose(page, 'Spirals'), /^hit from IndexedDB in .* saved /)
  assert.equal(await pixelsOf(page), pixels)
  assert.match(await choose(page, 'Shells'), /^miss painted in /)
  assert.equal(painted.length, 3, painted.join('\n'))
  assert.deepEqual(problems, [])
  await page.context().close()
  await stop()
})

test('The server for development has a cache, too', async () => {
  const { origin, stop } = await example.start(`${example.documented('npm run dev')} -- --port 0`)
  const { page, painted, problems } = await opened(origin)
  assert.match(await choose(page, 'Coral'), /^miss /)
  assert.match(await choose(page, 'Rabbits'), /^miss /)
  assert.match(await choose(page, 'Coral'), /^hit from memory /)
  assert.equal(painted.length, 2, painted.join('\n'))
  assert.deepEqual(problems, [])
  await page.context().close()
  await stop()
})

async function opened(origin: string): Promise<{ page: Page, painted: string[], problems: string[] }> {
  const page = await (await browser.newContext()).newPage()
  const painted: string[] = []
  const problems: string[] = []
  page.on('pageerror', error => problems.push(String(error)))
  page.on('console', message => {
    if (message.text().startsWith('painting ')) painted.push(message.text())
    if (message.type() === 'error') problems.push(message.text())
  })
  await page.goto(origin)
  return { page, painted, problems }
}

/** Presses the picture's button; answers with what the page says then of where it came from. */
async function choose(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name }).click()
  await page.locator(`button[aria-pressed=true]:text-is("${name}")`).waitFor()
  await page.locator('figure[aria-busy=false]').waitFor()
  return page.getByRole('status').innerText()
}

/** As a PNG, in base64. */
function pixelsOf(page: Page): Promise<string> {
  return page.evaluate(() => document.querySelector('canvas')!.toDataURL())
}

/** Whether so many entries are written. It runs in the page. */
function entriesInIndexedDb(count: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('reprise')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const database = opening.result
      const store = database.objectStoreNames[0]!
      const listing = database.transaction(store).objectStore(store).getAllKeys()
      listing.onerror = () => reject(listing.error)
      listing.onsuccess = () => {
        database.close()
        resolve(listing.result.filter(key => String(key).length === 64).length === count)
      }
    }
  })
}
