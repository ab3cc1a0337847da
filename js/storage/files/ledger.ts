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

/** What was counted when. */
export class Counts {
  readonly bytes = new Float64Array(folderCount)
  /** 0: never. */
  readonly at = new Float64Array(folderCount)

  set(folder: number, bytes: number, at: number): void {
    this.bytes[folder] = bytes
    this.at[folder] = at
  }

  /** Every folder was counted some time. */
  get complete(): boolean {
    return this.at.every(at => at > 0)
  }

  /** The bytes of all folders; those that were never counted taken to be like the others. */
  get total(): number {
    const known = this.at.reduce((sum, at) => sum + Number(at > 0), 0)
    return known === 0 ? 0 : (this.bytes.reduce((sum, bytes) => sum + bytes, 0) * folderCount) / known
  }

  /** So many of the folders whose counts are the oldest; not the very oldest alone, so that several processes take different ones. */
  oldest(count: number): number[] {
    const order = Array.from(this.at.keys()).sort((a, b) => this.at[a]! - this.at[b]!)
    const candidates = order.slice(0, 2 * count + 6)
    for (let i = 0; i < count; i++) {
      const other = i + Math.floor(Math.random() * (candidates.length - i))
      ;[candidates[i], candidates[other]] = [candidates[other]!, candidates[i]!]
    }
    return candidates.slice(0, count)
  }
}

export class Ledger {
  constructor(private readonly path: string) {}

  async read(now: number): Promise<Counts> {
    return this.use(async file => {
      const view = new DataView(new ArrayBuffer(16 * folderCount))
      await file.read(view, 0, view.byteLength, 0)
      const counts = new Counts()
      for (let folder = 0; folder < folderCount; folder++) {
        const bytes = view.getFloat64(16 * folder, true)
        const at = view.getFloat64(16 * folder + 8, true)
        // What no count can be, or was made in the future, is none.
        if (at > 0 && at <= now && bytes >= 0 && bytes < 2 ** 53) counts.set(folder, bytes, at)
      }
      return counts
    })
  }

  async write(folders: readonly number[], counts: Counts): Promise<void> {
    await this.use(async file => {
      for (const folder of folders) {
        const record = new DataView(new ArrayBuffer(16))
        record.setFloat64(0, counts.bytes[folder]!, true)
        record.setFloat64(8, counts.at[folder]!, true)
        await file.write(record, 0, 16, 16 * folder)
      }
    })
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
