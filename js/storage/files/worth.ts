/** Which of some entries should go first: those whose time is over, then those that cost least to make anew for what they take and for how long nobody wanted them. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { type Header, headerOf, headerSize } from '../../header.js'

export interface Looked {
  /** What it takes of the disk. */
  readonly bytes: number
  /** The more the better; 0: its time is over. */
  readonly worth: number
}

/** Our looking at it must not count as use. */
const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0) | (constants.O_NOATIME ?? 0)

/** Younger than this are all the same age: who was made just now is not worth a thousand times as much as a second later. */
const youngMs = 60_000

interface Stats {
  readonly size: number
  readonly mtimeMs: number
  readonly atimeMs: number
}

export function lookNow(path: string, now: number): Looked {
  const file = openSync(path, flags)
  try {
    const header = new Uint8Array(headerSize)
    const count = readSync(file, header, 0, headerSize, 0)
    return looked(fstatSync(file), headerOf(header.subarray(0, count)), now)
  } finally {
    closeSync(file)
  }
}

export async function lookLater(path: string, now: number): Promise<Looked> {
  const file = await open(path, flags)
  try {
    const header = new Uint8Array(headerSize)
    const { bytesRead } = await file.read(header, 0, headerSize, 0)
    return looked(await file.stat(), headerOf(header.subarray(0, bytesRead)), now)
  } finally {
    await file.close()
  }
}

/** Disks give whole blocks. */
export function onDisk(size: number): number {
  return Math.ceil(size / 4096) * 4096
}

/** What has no header that can be read (encrypted, or not ours) is worth what its age and size say. The time of last use is the file system's, which many know by the day only. */
function looked({ size, mtimeMs, atimeMs }: Stats, header: Header | undefined, now: number): Looked {
  const bytes = onDisk(size)
  if (header !== undefined && header.staleUntil <= now) return { bytes, worth: 0 }
  const unusedMs = Math.max(youngMs, now - Math.max(header?.created ?? mtimeMs, atimeMs))
  return { bytes, worth: Math.max(1, header?.cost ?? 0) / Math.max(1, bytes) / unusedMs }
}
