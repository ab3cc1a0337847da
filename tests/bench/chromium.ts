/**
 * A bench in a real Chromium: a page from this machine, under a policy without eval, that has nothing but the bundle.
 * The page is isolated from other origins, since only then the browser's timer is fine enough (5 instead of 100 us).
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { chromium } from 'playwright-core'
import type { Pace, Result } from './harness.js'

const headers = {
  'content-security-policy': "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; img-src data:",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
}

/** Loads the script, which defines runBench(pace), and gives back what that returns. */
export async function runPage(script: string, pace: Pace, progress: (line: string) => void): Promise<Result[]> {
  const executablePath = installedChromium()
  const server = await serve(await readFile(script))
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  try {
    progress(`in Chromium ${browser.version()}`)
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') problems.push(message.text())
    })
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    if (problems.length > 0) throw new Error(`The page of the bench could not start: ${problems.join(' ')}`)
    return await page.evaluate((pace) => (globalThis as unknown as { runBench(pace: unknown): Promise<Result[]> }).runBench(pace), pace)
  } finally {
    await browser.close()
    server.close()
  }
}

async function serve(script: Buffer): Promise<ReturnType<typeof createServer>> {
  const html = '<!doctype html><title>bench</title><link rel="icon" href="data:,"><script type="module" src="bench.js"></script>'
  const server = createServer((request, response) => {
    const [type, content] = request.url === '/' ? ['text/html', html] : request.url === '/bench.js' ? ['text/javascript', script] : [undefined, '']
    response.writeHead(type === undefined ? 404 : 200, { ...headers, 'content-type': `${type ?? 'text/plain'}; charset=utf-8` }).end(content)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return server
}

function installedChromium(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of folders) if (existsSync(join(folder, name))) return join(folder, name)
  }
  throw new Error('There is no Chromium on this machine. To do: node scripts/setup.mjs')
}
