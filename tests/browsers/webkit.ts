/**
 * WebKit as GTK has it: MiniBrowser, driven by WebKitWebDriver in plain HTTP, on a screen that nobody sees.
 *
 * A driven MiniBrowser forgets everything at its end. One that is not driven keeps it, but cannot be asked.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, callOf, type Tab, until, type Visit } from './browser.js'
import { installed, type Program, startProgram } from './program.js'

export async function startWebKit(): Promise<Browser> {
  const [webDriver, binary] = [installed('WebKitWebDriver'), miniBrowser()]
  const home = await mkdtemp(join(tmpdir(), 'reprise-webkit-'))
  const screen = await startScreen()
  const driver = startProgram(webDriver, ['--port=0', '--host=127.0.0.1'], environment(home, screen.display))
  const closeAll = async (): Promise<void> => {
    await driver.end()
    // What it has started ends for want of a screen, if not before.
    await screen.program.end()
    await rm(home, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const port = await portOf(driver.pid)
    const ask = async (method: string, path: string, body?: object): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body && { body: JSON.stringify(body) }) })
      const { value } = (await answer.json()) as { value: { error?: string; message?: string } | null }
      if (value?.error !== undefined) throw new Error(`WebKitWebDriver: ${method} ${path}: ${value.error}: ${value.message}`)
      return value
    }
    const options = { binary, args: ['--automation'] }
    const { sessionId, capabilities } = (await ask('POST', '/session', { capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': options } } })) as { sessionId: string; capabilities: { browserVersion: string } }
    const session = `/session/${sessionId}`
    await ask('POST', `${session}/timeouts`, { script: 60_000, pageLoad: 60_000 })

    // It obeys one command at a time, and each is for the tab that was chosen last.
    let last: Promise<unknown> = Promise.resolve()
    const inTab = (handle: string, method: string, path: string, body: object = {}): Promise<unknown> => {
      const done = last.then(async () => {
        await ask('POST', `${session}/window`, { handle })
        return ask(method, `${session}${path}`, method === 'POST' ? body : undefined)
      })
      last = done.catch(() => {})
      return done
    }
    const first = (await ask('GET', `${session}/window`)) as string
    let closed: Promise<void> | undefined
    return {
      version: capabilities.browserVersion,
      untrustedHost: 'localhost.',
      async open(url) {
        const { handle } = (await inTab(first, 'POST', '/window/new', { type: 'tab' })) as { handle: string }
        await inTab(handle, 'POST', '/url', { url })
        // It says nothing about a page that cannot be had.
        if ((await inTab(handle, 'GET', '/url')) === 'about:blank') throw new Error(`WebKitGTK did not load ${url}`)
        const tab: Tab = {
          async run(work, ...args) {
            const script = `const answer = arguments[0]; (async () => ${callOf(work, args)})().then(value => answer({ value }), error => answer({ problem: String(error) }))`
            const { value, problem } = (await inTab(handle, 'POST', '/execute/async', { script, args: [] })) as { value: never; problem?: string }
            if (problem !== undefined) throw new Error(problem)
            return value
          },
          async reload() {
            await tab.run(() => void Object.assign(globalThis, { isOld: true }))
            await inTab(handle, 'POST', '/refresh')
            await until(tab, () => !('isOld' in globalThis) && document.readyState === 'complete')
          },
          close: async () => void (await inTab(handle, 'DELETE', '/window')),
        }
        // It answers now and then before the scripts of the page have run.
        await until(tab, () => document.readyState === 'complete')
        return tab
      },
      close: () => (closed ??= ask('DELETE', session).then(closeAll, closeAll)),
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

export const visitWebKit = (async (url, profile) => {
  const path = miniBrowser()
  const screen = await startScreen()
  const program = startProgram(path, [url], environment(profile, screen.display))
  return {
    async end() {
      await program.end('SIGTERM')
      await screen.program.end()
    },
    /** The process that loads pages and keeps databases; the browser starts another in its place when it is gone. */
    storageProcesses: () => childrenOf(program.pid).filter(pid => contentOf(pid, 'cmdline').includes('WebKitNetworkProcess')),
  }
}) satisfies Visit

/** The system chooses its number. No other user may be on this machine's test, so it asks for no password. */
async function startScreen(): Promise<{ display: string; program: Program }> {
  const program = startProgram(installed('Xvfb'), ['-displayfd', '1', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'])
  const [, number] = await program.said(/^(\d+)$/m)
  return { display: `:${number}`, program }
}

/** Nothing of it stays outside of `home`. */
function environment(home: string, display: string): Record<string, string> {
  return { HOME: home, XDG_DATA_HOME: join(home, 'data'), XDG_CACHE_HOME: join(home, 'cache'), XDG_CONFIG_HOME: join(home, 'config'), XDG_RUNTIME_DIR: home, DISPLAY: display, GDK_BACKEND: 'x11', NO_AT_BRIDGE: '1', DBUS_SESSION_BUS_ADDRESS: 'disabled:' }
}

/** It belongs to the package of WebKitWebDriver, in a folder that is named for the machine. */
function miniBrowser(): string {
  const found = readdirSync('/usr/lib').map(folder => `/usr/lib/${folder}/webkit2gtk-4.1/MiniBrowser`).find(existsSync)
  if (found === undefined) throw new Error('There is no MiniBrowser of WebKitGTK on this machine. To do: node scripts/setup.mjs')
  return found
}

/** The port that the system gave to a program which does not tell. */
async function portOf(pid: number): Promise<number> {
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise(resolve => setTimeout(resolve, 20))) {
    const sockets = new Set(filesOf(pid).map(file => /^socket:\[(\d+)\]$/.exec(file)?.[1]))
    for (const line of readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)) {
      // sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      const [, address, , state, , , , , , inode] = line.trim().split(/\s+/)
      if (state === '0A' && sockets.has(inode)) return Number.parseInt(address!.split(':')[1]!, 16)
    }
  }
  throw new Error('WebKitWebDriver opens no port.')
}

function filesOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map(number => readlinkSync(`/proc/${pid}/fd/${number}`))
  } catch {
    // One was closed meanwhile.
    return []
  }
}

function childrenOf(parent: number): number[] {
  const all = readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number)
  // pid (command) state ppid
  return all.filter(pid => parent === Number(/\) \S (\d+) /.exec(contentOf(pid, 'stat'))?.[1]))
}

function contentOf(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
