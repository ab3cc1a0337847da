/**
 * Whether small operations are done at once, on the caller's thread, or handed to the runtime's.
 *
 * A file system in the page cache answers in some microseconds; to have another thread ask costs several times as much of this one. But
 * whoever waits for a disk or a network must not hold up the process. So file systems that are known to be far away are never
 * asked at once, and for the others there is a purse: what operations took too long is paid out of it, a twentieth of all time goes
 * into it, and while it is empty everything is done by promises. So waiting holds up the process for 50 ms in a row, and a twentieth of
 * the time, at the most (plus one operation, whose time nobody knows before).
 */
import fs from 'node:fs/promises'
import { stopwatch } from '../node-stopwatch.js'

/** Up to here an operation was not held up by anything. */
const usualMs = 0.25
const mostMs = 50
const share = 1 / 20

/** What `statfs` calls NFS, SMB (three of them), Ceph, AFS, Coda, 9p, FUSE: there another machine, or program, answers. */
const remote = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x00c36400, 0x5346414f, 0x73757245, 0x01021997, 0x65735546])

export class Pace {
  private near = false
  private purseMs = mostMs
  private filledAt = 0

  /** Looks what kind of file system this is. Until then nothing is done at once. */
  async learn(directory: string): Promise<void> {
    // Not every runtime that knows Node's modules has it.
    const { statfs } = fs as { statfs?: typeof fs.statfs }
    const kind = await statfs?.(directory).then(({ type }) => type >>> 0, () => undefined)
    this.near = kind !== undefined && !remote.has(kind)
  }

  /** May a small operation be done at once? */
  get quick(): boolean {
    if (this.purseMs <= 0) this.fill(stopwatch())
    return this.near && this.purseMs > 0
  }

  /** Does a small operation at once. */
  run<T>(operation: () => T): T {
    const started = stopwatch()
    try {
      return operation()
    } finally {
      const ended = stopwatch()
      if (ended - started > usualMs) {
        this.fill(ended)
        this.purseMs -= ended - started
      }
    }
  }

  private fill(now: number): void {
    this.purseMs = Math.min(mostMs, this.purseMs + share * (now - this.filledAt))
    this.filledAt = now
  }
}
