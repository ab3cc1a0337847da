/**
 * Files that are there as a whole or not at all.
 *
 * A file is written under a name of its own, which nobody reads, and renamed when it is complete: who opens the name, in this process or
 * another, meets the old file, the new one or none, also after a kill. Links are never followed, and a file that is a pipe or a
 * device by now cannot hold anyone up. Each comes in two forms: at once, and with promises.
 */
import { closeSync, constants, openSync, readSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { link, lstat, open, rename, unlink } from 'node:fs/promises'

// Windows has no such flags, and no such dangers.
const noFollow = constants.O_NOFOLLOW ?? 0
const noWait = constants.O_NONBLOCK ?? 0

const toRead = constants.O_RDONLY | noFollow | noWait
const toWrite = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow

/** Files below this size are small. */
export const smallBytes = 64 * 1024

/** What is read at once passes through here: the size is not known before. */
let scratch: Uint8Array | undefined

/** The bytes of a small file; undefined where it is larger. */
export function readNow(path: string): Uint8Array | undefined {
  scratch ??= new Uint8Array(smallBytes)
  const file = openSync(path, toRead)
  try {
    // From a local file a read brings all that was asked for, or all there is.
    const count = readSync(file, scratch, 0, smallBytes, 0)
    return count < smallBytes ? scratch.slice(0, count) : undefined
  } finally {
    closeSync(file)
  }
}

export async function readLater(path: string): Promise<Uint8Array> {
  const file = await open(path, toRead)
  try {
    const bytes = new Uint8Array((await file.stat()).size)
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return length === bytes.length ? bytes : bytes.slice(0, length)
  } finally {
    await file.close()
  }
}

/** Writes `path` by way of `draft`, which must not be there. Where it fails, `path` is what it was. */
export function writeNow(draft: string, path: string, bytes: Uint8Array): void {
  const file = openSync(draft, toWrite, 0o600)
  try {
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done)
    } finally {
      closeSync(file)
    }
    renameSync(draft, path)
  } catch (error) {
    try {
      unlinkSync(draft)
    } catch {
      // It is swept later.
    }
    throw error
  }
}

/** The same; with `folder`, what is acknowledged survives a power cut: the bytes, and then the name in that folder. */
export async function writeLater(draft: string, path: string, bytes: Uint8Array, folder?: string): Promise<void> {
  try {
    await writeDraft(draft, bytes, folder !== undefined)
    await rename(draft, path)
  } catch (error) {
    await unlink(draft).catch(() => {})
    throw error
  }
  if (folder !== undefined) await syncFolder(folder)
}

/** Writes `path` where nothing is, and says whether nothing was: a second name for a draft is given in one step, and never to what has one. With `folder` as above. */
export async function addLater(draft: string, path: string, bytes: Uint8Array, folder?: string): Promise<boolean> {
  try {
    await writeDraft(draft, bytes, folder !== undefined)
    await link(draft, path)
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'EEXIST') return false
    // Some file systems (FAT, some of the network) give a file one name only: there the last of those who try at once is it.
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
    if (await isThere(path)) return false
    await rename(draft, path)
  } finally {
    await unlink(draft).catch(() => {})
  }
  if (folder !== undefined) await syncFolder(folder)
  return true
}

async function writeDraft(draft: string, bytes: Uint8Array, sync: boolean): Promise<void> {
  const file = await open(draft, toWrite, 0o600)
  try {
    await file.writeFile(bytes)
    if (sync) await file.sync()
  } finally {
    await file.close()
  }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(() => true, () => false)
}

/** What was renamed, made or removed in a folder survives a power cut. */
export async function syncFolder(path: string): Promise<void> {
  // Windows opens no folders, and has no such need.
  if (process.platform === 'win32') return
  const folder = await open(path, constants.O_RDONLY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
