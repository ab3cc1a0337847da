// Running other programs, and saying how long a step took. Used by every script here.

import { spawn } from 'node:child_process'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds package.json. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** A step that failed in a way the user should read as it is: no stack trace is printed for it. */
export class StepError extends Error {
  /** @param {string} message @param {string} [output] what the failed program printed */
  constructor(message, output = '') {
    super(message)
    this.output = output
  }
}

/**
 * Runs a program to its end and gives back its exit code and all it printed. Never rejects: a program
 * that cannot be started has code -1, one that outlives `timeoutSeconds` is ended and has code -2.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, timeoutSeconds?: number, show?: boolean }} [options]
 * @returns {Promise<{ code: number, output: string }>}
 */
export function capture(command, args, options = {}) {
  const { cwd = root, env = {}, timeoutSeconds = 900, show = false } = options
  return new Promise((done) => {
    // A process group of its own, so that a timeout also ends what the program itself started.
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const chunks = []
    let late = false
    const endGroup = () => {
      try {
        process.kill(-child.pid, 'SIGKILL')
      } catch {
        // It has already ended.
      }
    }
    const timer = setTimeout(() => {
      late = true
      endGroup()
    }, timeoutSeconds * 1000)
    const interrupted = () => {
      endGroup()
      process.exit(130)
    }
    process.once('SIGINT', interrupted)
    process.once('SIGTERM', interrupted)

    const collect = (chunk) => {
      chunks.push(chunk)
      if (show) process.stdout.write(chunk)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)

    const finish = (code, note = '') => {
      clearTimeout(timer)
      process.off('SIGINT', interrupted)
      process.off('SIGTERM', interrupted)
      done({ code, output: Buffer.concat(chunks).toString() + note })
    }
    child.on('error', (error) => finish(-1, `Could not run ${command}: ${error.message}\n`))
    child.on('close', (code, signal) => {
      if (late) finish(-2, `\n${command} was ended after ${timeoutSeconds} seconds.\n`)
      else finish(code ?? -1, signal ? `\n${command} was ended by ${signal}.\n` : '')
    })
  })
}

/** Like `capture`, but throws a StepError if the program does not exit with 0. */
export async function run(command, args, options) {
  const { code, output } = await capture(command, args, options)
  if (code !== 0) {
    throw new StepError(`${command} ${args.join(' ')}\nfailed with exit code ${code}.`, output)
  }
  return output
}

/** Seconds since `start` (of performance.now()), as text: "0.4 s". */
export function secondsSince(start) {
  return `${((performance.now() - start) / 1000).toFixed(1)} s`
}

/** Runs one step of a script and prints its name before and its duration after it. */
export async function step(title, work) {
  const start = performance.now()
  process.stdout.write(`${title} … `)
  try {
    const result = await work()
    console.log(secondsSince(start))
    return result
  } catch (error) {
    console.log(`FAILED after ${secondsSince(start)}`)
    throw error
  }
}

/** For a script's main: prints what went wrong, all of it, and ends with exit code 1. */
export function fail(error) {
  if (error instanceof StepError) {
    if (error.output) console.error(`\n${error.output.trimEnd()}`)
    console.error(`\n${error.message}`)
  } else {
    console.error(error)
  }
  process.exit(1)
}

/** Whether this module is the script that was started. */
export function isMain(metaUrl) {
  return process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(metaUrl)
}
