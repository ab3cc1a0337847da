/** Other people's programs: run to their end, or until a test has ended. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

export interface Where {
  readonly cwd: string
  readonly env?: Record<string, string>
}

const longestMs = 120_000

/** Runs a program that has to succeed, and answers with what it printed. */
export async function ran(command: string, args: string[], where: Where): Promise<string> {
  const { child, said } = start(command, args, where)
  const timer = setTimeout(() => endGroup(child, 'SIGKILL'), longestMs)
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  clearTimeout(timer)
  assert.equal(code, 0, `${command} ${args.join(' ')} ended with ${code ?? signal}. It said:\n${said.out}${said.error}`)
  return said.out
}

/** Starts a server, and answers with the address that it prints. It is ended when the test has ended. */
export async function served(t: TestContext, command: string, args: string[], where: Where): Promise<string> {
  const address = await until(t, command, args, where, ({ out }) => /http:\/\/(?:localhost|127\.0\.0\.1):\d+/.exec(out)?.[0])
  return address.replace('localhost', '127.0.0.1')
}

/** The same for a program that announces itself by a line of JSON on a channel of its own, number 3. */
export async function announced<T>(t: TestContext, command: string, args: string[], where: Where): Promise<T> {
  return JSON.parse(await until(t, command, args, where, ({ channel }) => /^(.*)\n/.exec(channel)?.[1])) as T
}

async function until(t: TestContext, command: string, args: string[], where: Where, look: (said: Said) => string | undefined): Promise<string> {
  const { child, said } = start(command, args, where)
  const gone = once(child, 'close')
  t.after(async () => {
    endGroup(child, 'SIGTERM')
    const timer = setTimeout(() => endGroup(child, 'SIGKILL'), 10_000)
    await gone
    clearTimeout(timer)
  })
  const timer = setTimeout(() => endGroup(child, 'SIGKILL'), longestMs)
  try {
    return await new Promise<string>((resolve, reject) => {
      const heard = (): void => {
        const found = look(said)
        if (found !== undefined) resolve(found)
      }
      child.stdout!.on('data', heard)
      child.stdio[3]!.on('data', heard)
      child.once('close', () => reject(new Error(`${command} ${args.join(' ')} did not start. It said:\n${said.out}${said.error}`)))
    })
  } finally {
    clearTimeout(timer)
  }
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) endGroup(child, 'SIGKILL')
})

/** A child with a group of its own (`detached`) ends with this process at the latest. */
export function endsWithUs(child: ChildProcess): void {
  running.add(child)
  child.once('close', () => running.delete(child))
}

/** It, and all that it has started. */
export function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal)
  } catch {
    // It has ended, or never began.
  }
}

interface Said {
  out: string
  error: string
  channel: string
}

function start(command: string, args: string[], { cwd, env = {} }: Where): { child: ChildProcess; said: Said } {
  const { REPRISE_DIR: _, NODE_OPTIONS: __, NODE_TEST_CONTEXT: ___, ...inherited } = process.env
  const child = spawn(command, args, { cwd, env: { ...inherited, NO_COLOR: '1', CI: '1', ...env }, stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true })
  endsWithUs(child)
  const said = { out: '', error: '', channel: '' }
  child.stdout!.on('data', chunk => (said.out += chunk))
  child.stderr!.on('data', chunk => (said.error += chunk))
  child.stdio[3]!.on('data', chunk => (said.channel += chunk))
  child.on('error', error => (said.error += `${error.message}\n`))
  return { child, said }
}
