/** Several processes with one storage, asked for the same key at one moment: how often does the function run, and how soon does everybody know the result? */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { bundled } from '../contract/bundled.js'
import type { FleetAnswer } from './fleet-process.js'

export interface Wave {
  /** Of the function, in all processes. */
  readonly runs: number
  /** From when the first value was there until all calls of a process that had not made it were answered, in milliseconds: one for each of those processes. */
  readonly wakeMs: readonly number[]
  readonly errors: readonly string[]
}

export interface Fleet {
  readonly processes: readonly ChildProcess[]
  ask(key: string): Promise<Wave>
  end(): Promise<void>
}

/** `place`: a directory, or the URL of a Redis. */
export async function startFleet(place: string, { processes = 4, calls = 250, ms = 50, peer = '' } = {}): Promise<Fleet> {
  const program = await bundled('tests/torture/fleet-process.ts')
  const members = Array.from({ length: processes }, () => {
    const child = spawn(process.execPath, [program.file, place, String(calls), String(ms), peer], { stdio: ['pipe', 'pipe', 'inherit'] })
    return { child, lines: createInterface(child.stdout!) }
  })
  await Promise.all(members.map(({ lines }) => once(lines, 'line')))
  return {
    processes: members.map(({ child }) => child),
    async ask(key) {
      const answers = members.filter(({ child }) => child.exitCode === null && child.signalCode === null).map(async ({ child, lines }) => {
        const line = once(lines, 'line')
        child.stdin!.write(`${key}\n`)
        return JSON.parse(String((await line)[0])) as FleetAnswer
      })
      const all = await Promise.all(answers)
      const made = Math.min(...all.map(({ made }) => made ?? Infinity))
      return {
        runs: all.reduce((sum, { runs }) => sum + runs, 0),
        wakeMs: all.filter(one => one.made !== made).map(({ answered }) => answered - made),
        errors: all.flatMap(({ events }) => events),
      }
    },
    async end() {
      for (const { child } of members) child.stdin!.write('end\n')
      await Promise.all(members.map(({ child }) => (child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined)))
      await program.remove()
    },
  }
}
