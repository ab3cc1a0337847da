/**
 * Who computes what, among the processes that share a directory: one file per lease in `leases`, named by the key.
 *
 * It is there from the moment that its name is given to a draft, which only one process can do, until its holder removes it. While it is held
 * its time is set anew. What is older than `leaseMs`, or was made by a process of this machine that is no more, may be taken away.
 *
 * Nothing is ever written over a lease, and only one process may take it away: the one that has dug its grave, a file named by the lease and by what
 * it says, which no other lease ever does. So what the digger reads there stays there until it is removed, and it is never one that came in between. A digger
 * that died is waited for no longer than a holder.
 *
 * Nobody is told of a release: who waits looks every few milliseconds, ever more rarely the longer it takes.
 */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { open, readFile, unlink, utimes } from 'node:fs/promises'
import { nodeCrypto } from '../node-crypto.js'
import { stopwatch } from '../node-stopwatch.js'
import type { Lease } from '../storage.js'
import { isMissing } from './failure.js'
import { addLater } from './whole-file.js'

export const leases = 'leases'

const shortestPauseMs = 1
const longestPauseMs = 20

/** Of this machine since it was started, the same for all its processes. */
const ticks = (): number => Number(process.hrtime.bigint() / 1_000n)

export class Leases {
  private readonly host = nameOfHost()

  /** `draftOf`: a new path in the folder of what is unfinished. */
  constructor(private readonly draftOf: () => string) {}

  /** Takes the lease at `path`; undefined where another has it. The folders are there. */
  async take(path: string, leaseMs: number): Promise<Lease | undefined> {
    const mine = `${this.host} ${process.pid} ${nodeCrypto().randomBytes(16).toString('hex')}`
    const began = ticks()
    const taken = (): Promise<boolean> => addLater(this.draftOf(), path, new TextEncoder().encode(mine))
    if (!(await taken()) && !((await this.clear(path, leaseMs)) && (await taken()))) return undefined
    const fence = ticks()
    const release = (): Promise<void> => remove(path, mine, leaseMs).then(() => {})
    if (fence - began >= leaseMs * 1_000) {
      await release()
      return undefined
    }
    return {
      fence,
      release,
      renew: async () => {
        if ((await textOf(path)) !== mine) return false
        const now = new Date()
        return utimes(path, now, now).then(() => true, orMissing(false))
      },
    }
  }

  /** Resolves when nothing is there, or there is another entry, which comes first, or `ms` have passed. */
  async released(path: string, entry: string, ms: number): Promise<void> {
    const until = stopwatch() + ms
    const before = lstatSync(entry, { throwIfNoEntry: false })?.ino
    for (let waited = 0; ; ) {
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined || lstatSync(entry, { throwIfNoEntry: false })?.ino !== before) return
      const left = until - stopwatch()
      if (left <= 0) return
      const pauseMs = Math.min(left, Math.max(shortestPauseMs, Math.min(longestPauseMs, waited / 32)))
      await new Promise(resolve => setTimeout(resolve, pauseMs))
      waited += pauseMs
    }
  }

  /** Takes away what nobody holds any more; says whether there is nothing now. */
  private async clear(path: string, leaseMs: number): Promise<boolean> {
    // In this order: should another come in between, it is not taken for as old as the last.
    const text = await textOf(path)
    const found = lstatSync(path, { throwIfNoEntry: false })
    if (found === undefined || text === undefined) return true
    const [host, pid] = text.split(' ')
    const isDead = host === this.host && !isAlive(Number(pid))
    return (isDead || ageMs(found) >= leaseMs) && remove(path, text, leaseMs)
  }
}

/** Removes a lease that says so, and no other that came in its place. False where another does, or has. */
async function remove(path: string, text: string, leaseMs: number): Promise<boolean> {
  const grave = `${path}~${/[0-9a-f]*$/.exec(text)![0]}`
  try {
    await (await open(grave, 'wx', 0o600)).close()
  } catch (error) {
    // Where the folder was removed, the lease went with it.
    if (isMissing(error)) return false
    if ((error as { code?: string }).code !== 'EEXIST') throw error
    const dug = lstatSync(grave, { throwIfNoEntry: false })
    if (dug !== undefined && ageMs(dug) >= leaseMs) await unlink(grave).catch(orMissing(undefined))
    return false
  }
  try {
    if ((await textOf(path)) !== text) return false
    await unlink(path)
    return true
  } finally {
    await unlink(grave).catch(() => {})
  }
}

/** Or how far it is ahead, where the clock was turned back. */
function ageMs({ mtimeMs }: { mtimeMs: number }): number {
  return Math.abs(Date.now() - mtimeMs)
}

function textOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(orMissing(undefined))
}

/** For rejections: that something is not there is no failure. */
function orMissing<T>(value: T): (error: unknown) => T {
  return error => {
    if (isMissing(error)) return value
    throw error
  }
}

/** Is there such a process on this machine? */
export function isAlive(pid: number): boolean {
  // No number is nobody, and 0 is whoever asks.
  if (!(pid > 0)) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    // There is one that is somebody else's (EPERM), or nobody may ask (Deno without --allow-run): then it is not known to be dead.
    if ((error as { code?: string }).code === 'ESRCH') return false
  }
  return !isZombie(pid)
}

/** It has ended, and has its number until its parent asks how: proc(5) says Z, or X, after its name, which is in parentheses and may have some. Deno would ask its user. */
function isZombie(pid: number): boolean {
  if ('deno' in process.versions) return false
  try {
    return /\) [ZX][^)]*$/.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}

/**
 * Of those whose processes have one set of numbers: two containers can have one name of a host, and the same number for different processes. Where the name may not be asked
 * for (Deno without --allow-sys), it is one that nobody has: what this process leaves behind is over in its time.
 */
function nameOfHost(): string {
  try {
    // (Loaded when it is needed: a third of a millisecond.)
    return `${process.getBuiltinModule('node:os').hostname().replace(/\s/g, '') || 'localhost'}${numbering()}`
  } catch {
    return nodeCrypto().randomBytes(8).toString('hex')
  }
}

/** The namespace of process ids, such as `/pid:[4026531836]`; empty where there are none, or it may not be read. Deno would ask its user. */
function numbering(): string {
  if ('deno' in process.versions) return ''
  try {
    return `/${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}
