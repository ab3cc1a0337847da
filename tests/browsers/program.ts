/**
 * Programs that browsers are made of. They end with the test, and with its process however that ends: the system kills them then.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

export interface Program {
  readonly pid: number
  /** Resolves when it has said that, on either of its outputs; rejects where it ends before. */
  said(what: RegExp): Promise<RegExpExecArray>
  /** Sends a signal, and waits for its end; what does not obey is killed. */
  end(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

/** `program`: a path, as of installed(). */
export function startProgram(program: string, args: readonly string[], env: Record<string, string> = {}): Program {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const ended = once(child, 'exit')
  ended.catch(() => {})
  let output = ''
  const listeners = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', chunk => {
      output += chunk
      for (const listen of listeners) listen()
    })
  }
  return {
    pid: child.pid!,
    said: what =>
      new Promise((resolve, reject) => {
        const listen = (): void => {
          const found = what.exec(output)
          if (found !== null) resolve(found)
        }
        listeners.add(listen)
        listen()
        void ended.then(([code, signal]) => reject(new Error(`${program} ended (${code ?? signal}) before it said ${what}. It said:\n${output}`)), reject)
      }),
    async end(signal = 'SIGKILL') {
      child.kill(signal)
      const impatience = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended.catch(() => {})
      clearTimeout(impatience)
    },
  }
}

/** Where the first of these programs is that this machine has. */
export function installed(...names: string[]): string {
  for (const name of names) {
    for (const folder of (process.env['PATH'] ?? '').split(delimiter)) if (existsSync(join(folder, name))) return join(folder, name)
  }
  throw new Error(`There is no ${names[0]} on this machine. To do: node scripts/setup.mjs`)
}
