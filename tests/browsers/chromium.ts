/** Chromium, driven by playwright. */
import { chromium } from 'playwright-core'
import { type Browser, callOf, type Visit } from './browser.js'
import { installed, startProgram } from './program.js'

const names = ['chromium', 'chromium-browser', 'google-chrome']
const host = 'plain.test'

export async function startChromium(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: installed(...names), args: ['--no-sandbox', `--host-resolver-rules=MAP ${host} 127.0.0.1`] })
  const context = await browser.newContext()
  return {
    version: browser.version(),
    untrustedHost: host,
    async open(url) {
      const page = await context.newPage()
      await page.goto(url)
      return {
        run: (work, ...args) => page.evaluate(callOf(work, args)),
        reload: async () => void (await page.reload()),
        close: () => page.close(),
      }
    },
    close: () => browser.close(),
  }
}

export const visitChromium: Visit = async (url, profile) => {
  const program = startProgram(installed(...names), ['--headless=new', '--no-sandbox', '--no-first-run', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--disable-component-update', `--user-data-dir=${profile}`, url])
  return { end: () => program.end('SIGTERM') }
}
