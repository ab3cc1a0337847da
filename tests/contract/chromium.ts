/** A real Chromium with a profile of its own, and pages from this machine in which `kit` is what indexed-db-page.ts exports. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { type Browser, type BrowserContext, type CDPSession, chromium, type Page } from 'playwright-core'

export type Kit = typeof import('./indexed-db-page.js')

declare global {
  // What page.evaluate() finds in the page.
  var kit: Kit
}

export interface Site {
  readonly origin: string
  /** The script in one piece, for pages that may not load it. */
  readonly whole: string
  close(): void
}

/** The page, as modules: what is loaded only when it is needed is a file of its own, as in a user's bundle. */
export async function startSite(): Promise<Site> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  // What names functions is not there where page.evaluate() puts them.
  const contents = `import * as kit from './tests/contract/indexed-db-page.ts'; globalThis.__name = value => value; globalThis.kit = kit`
  const shared = { absWorkingDir: root, stdin: { contents, resolveDir: root }, outdir: '/', bundle: true, format: 'esm', target: 'es2022', write: false, logLevel: 'silent' } as const
  const [{ outputFiles }, whole] = await Promise.all([build({ ...shared, splitting: true }), build(shared)])
  const files = new Map(outputFiles.map(({ path, contents }) => [path, contents]))
  const html = '<!doctype html><title>kit</title><link rel="icon" href="data:,"><script type="module" src="/stdin.js"></script>'
  const server = createServer(({ url }, response) => {
    const found = url === '/' ? html : files.get(url!)
    // Frames without an origin load the script from elsewhere.
    response.writeHead(found === undefined ? 404 : 200, { 'content-type': `${url === '/' ? 'text/html' : 'text/javascript'}; charset=utf-8`, 'access-control-allow-origin': '*' }).end(found)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, whole: whole.outputFiles[0]!.text, close }
}

export interface Chromium {
  readonly context: BrowserContext
  readonly browser: Browser
  /** Of the browser and all that it started. */
  readonly process: ChildProcess
  close(): Promise<void>
}

/** Starts it over a profile, which stays. */
export async function startChromium(profile: string): Promise<Chromium> {
  const flags = ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', '--remote-debugging-port=0', `--user-data-dir=${profile}`]
  await rm(join(profile, 'DevToolsActivePort'), { force: true })
  const child = spawn(installedChromium(), [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const endpoint = await new Promise<string>((resolve, reject) => {
    let said = ''
    child.stderr!.on('data', chunk => {
      said += chunk
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', () => reject(new Error(`Chromium did not start:\n${said}`)))
  })
  const browser = await chromium.connectOverCDP(endpoint)
  return {
    browser,
    context: browser.contexts()[0]!,
    process: child,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      const session = await browser.newBrowserCDPSession()
      await session.send('Browser.close').catch(() => {})
      await gone
    },
  }
}

/** Ends a browser as a lack of memory would: no process of it has a chance to say goodbye. */
export async function killChromium({ process: child }: Chromium): Promise<void> {
  const gone = once(child, 'exit')
  process.kill(-child.pid!, 'SIGKILL')
  await gone
}

export async function newProfile(): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'reprise-chromium-'))
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}

export interface Tab {
  readonly page: Page
  readonly cdp: CDPSession
  /** What nobody caught in the page, rejections too, and what it complained of. */
  readonly problems: string[]
}

/** A page of this site; `before` runs in it before any script. */
export async function newTab(context: BrowserContext, { origin }: Site, before?: () => void): Promise<Tab> {
  const page = await context.newPage()
  const problems: string[] = []
  page.on('pageerror', error => problems.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error') problems.push(message.text())
  })
  if (before !== undefined) await page.addInitScript(before)
  await page.goto(`${origin}/`)
  await page.waitForFunction(() => 'kit' in globalThis)
  return { page, cdp: await context.newCDPSession(page), problems }
}

export function installedChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of folders) if (existsSync(join(folder, name))) return join(folder, name)
  }
  throw new Error('There is no Chromium on this machine. To do: node scripts/setup.mjs')
}

