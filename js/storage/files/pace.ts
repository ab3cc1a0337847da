/**
 * Whether small operations are done at once, on the caller's thread, or handed to the runtime's.
 *
 * A file system in the page cache answers in some microseconds; to have another thread ask costs several times as much of this one. But
 * whoever waits for a disk or a network must not hold up the process. So file systems that are known to be far away are never
 * asked at once, and one that took long is not for a while: at most one operation a second is ever waited for.
 */
import { statfs } from 'node:fs/promises'

/** An operation that took this long had to wait for something. */
const longMs = 8
const restMs = 1_000

/** What `statfs` calls NFS, SMB (three of them), Ceph, AFS, Coda, 9p, FUSE: there another machine, or program, answers. */
const remote = new Set([0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x00c36400, 0x5346414f, 0x73757245, 0x01021997, 0x65735546])

export class Pace {
  private restUntil = Infinity

  /** Looks what kind of file system this is. Until then nothing is done at once. */
  async learn(directory: string): Promise<void> {
    const kind = await statfs(directory).then(({ type }) => type >>> 0, () => undefined)
    if (kind !== undefined && !remote.has(kind)) this.restUntil = 0
  }

  /** May a small operation be done at once? */
  get quick(): boolean {
    return performance.now() >= this.restUntil
  }

  /** Does a small operation at once. */
  run<T>(operation: () => T): T {
    const started = performance.now()
    try {
      return operation()
    } finally {
      const ended = performance.now()
      if (ended - started > longMs) this.restUntil = ended + restMs
    }
  }
}
