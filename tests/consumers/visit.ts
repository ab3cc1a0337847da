/** A bundle in a real Chromium, under a policy that allows scripts of its own place, WebAssembly, and nothing else. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { type Browser, chromium } from 'playwright-core'
import { installedChromium } from '../contract/chromium.js'

export const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'"

/** Answers with what the page at `url` told: each visit is a page of its own, over one profile, which is gone when the test has ended. */
export async function visitor(t: TestContext, url: string): Promise<() => Promise<unknown>> {
  const context = await (await launched()).newContext()
  t.after(() => context.close())
  return async () => {
    const page = await context.newPage()
    const problems: string[] = []
    let fail: (problem: string) => void
    const failed = new Promise<never>((_, reject) => (fail = reject))
    failed.catch(() => {})
    const complain = (problem: string): void => {
      problems.push(problem)
      fail(problem)
    }
    page.on('pageerror', error => complain(String(error)))
    page.on('console', message => {
      if (message.type() === 'error' || message.type() === 'warning') complain(message.text())
    })
    page.on('requestfailed', request => complain(`${request.url()}: ${request.failure()?.errorText}`))
    page.on('response', response => {
      if (response.status() >= 400) complain(`${response.url()}: ${response.status()}`)
    })
    await page.goto(url)
    const told = page.waitForFunction(() => (globalThis as { told?: unknown }).told, undefined, { timeout: 20_000 })
    told.catch(() => {})
    const value = await Promise.race([told.then(handle => handle.jsonValue()), failed]).catch(() => assert.fail(`the page told nothing. ${problems.join('\n')}`))
    await page.close()
    assert.deepEqual(problems, [])
    return value
  }
}

let browser: Promise<Browser> | undefined

/** One for all tests of a file: to start it takes a second. */
function launched(): Promise<Browser> {
  return (browser ??= chromium.launch({ executablePath: installedChromium(), args: ['--no-sandbox'] }))
}

after(async () => (await browser)?.close())

/** Serves a folder with that policy; answers with the address. What is asked for and is not there is a 404, which a visit complains of. */
export async function site(t: TestContext, folder: string): Promise<string> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url!, 'http://site')
    const path = pathname === '/' ? '/index.html' : pathname
    readFile(join(folder, path)).then(
      bytes => response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream', 'content-security-policy': policy }).end(bytes),
      () => response.writeHead(404).end(),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

/** A page with one script. */
export function pageWith(script: string): string {
  return `<!doctype html><html lang="en"><title>Asked</title><script type="module" src="${script}"></script></html>`
}

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.wasm': 'application/wasm' }
