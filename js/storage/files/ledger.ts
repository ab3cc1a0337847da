/**
 * How many bytes each of the 256 folders held when it was last counted: one file for all processes that share the directory.
 *
 * It is a hint. Where it is lost or damaged it is made anew by counting; where two write at once, one count is counted again later. Each folder has
 * 16 bytes: its bytes, and when it was counted (milliseconds since 1970), both as doubles, little-endian; zeros where it never was.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

export const folderCount = 256

const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

export interface Counts {
  /** The bytes in all folders, as far as they were counted. */
  readonly total: number
  readonly bytes: Float64Array
  /** How many were counted. */
  readonly known: number
  /** The one whose count is the oldest. */
  readonly stalest: number
}

export class Ledger {
  constructor(private readonly path: string) {}

  /** `from`: of folders that were never counted, the first from here on is the stalest, so that processes begin at different ones. */
  async read(now: number, from: number): Promise<Counts> {
    return this.use(async file => {
      const view = new DataView(new ArrayBuffer(16 * folderCount))
      await file.read(view, 0, view.byteLength, 0)
      const bytes = new Float64Array(folderCount)
      let known = 0
      let total = 0
      let stalest = from
      let oldest = Infinity
      for (let i = 0; i < folderCount; i++) {
        const folder = (from + i) % folderCount
        const counted = view.getFloat64(16 * folder, true)
        let at = view.getFloat64(16 * folder + 8, true)
        // What no count can be, or was made in the future, is none.
        if (!(at > 0 && at <= now && counted >= 0 && counted < 2 ** 53)) at = 0
        if (at > 0) {
          known++
          total += bytes[folder] = counted
        }
        if (at < oldest) {
          oldest = at
          stalest = folder
        }
      }
      return { total, bytes, known, stalest }
    })
  }

  async write(folder: number, bytes: number, now: number): Promise<void> {
    const record = new DataView(new ArrayBuffer(16))
    record.setFloat64(0, bytes, true)
    record.setFloat64(8, now, true)
    await this.use(file => file.write(record, 0, 16, 16 * folder))
  }

  private async use<T>(work: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = await open(this.path, flags, 0o600)
    try {
      return await work(file)
    } finally {
      await file.close()
    }
  }
}
