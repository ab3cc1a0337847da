/** Firefox, driven by puppeteer over WebDriver BiDi. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { puppeteer } from '../consumers/puppeteer.js'
import { type Browser, callOf, type Visit } from './browser.js'
import { installed, type Program, startProgram } from './program.js'

const host = 'plain.test'

const settings = {
  'network.dns.localDomains': host,
  'browser.shell.checkDefaultBrowser': false,
  'browser.startup.homepage_override.mstone': 'ignore',
  'browser.aboutwelcome.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'app.update.disabledForTesting': true,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.server': '',
}

export async function startFirefox(): Promise<Browser> {
  const path = firefox()
  const profile = await mkdtemp(join(tmpdir(), 'reprise-firefox-'))
  const program = await start(path, profile, ['--remote-debugging-port=0', 'about:blank'])
  const end = async (): Promise<void> => {
    await program.end()
    await rm(profile, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const [, endpoint] = await program.said(/WebDriver BiDi listening on (ws:\S+)/)
    const browser = await puppeteer.connect({ browserWSEndpoint: `${endpoint}/session`, protocol: 'webDriverBiDi' })
    return {
      version: (await browser.version()).replace(/^firefox\//i, ''),
      untrustedHost: host,
      async open(url) {
        const page = await browser.newPage()
        await page.goto(url)
        return {
          run: (work, ...args) => page.evaluate(callOf(work, args)) as never,
          reload: async () => void (await page.reload()),
          close: () => page.close(),
        }
      },
      close: () => browser.close().then(end, end),
    }
  } catch (error) {
    await end()
    throw error
  }
}

export const visitFirefox: Visit = async (url, profile) => {
  const program = await start(firefox(), profile, [url])
  return { end: () => program.end('SIGTERM') }
}

const firefox = (): string => installed('firefox-esr', 'firefox')

async function start(path: string, profile: string, args: string[]): Promise<Program> {
  const lines = Object.entries(settings).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
  await writeFile(join(profile, 'user.js'), lines.join(''))
  return startProgram(path, ['--headless', '--no-remote', '--profile', profile, ...args])
}
