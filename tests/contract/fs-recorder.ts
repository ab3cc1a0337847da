/**
 * What a program asks of the file system, written down: esbuild puts this in the place of node:fs and node:fs/promises (files-power.test.ts). Everything is done, and
 * what would matter if the power went is noted, in its order.
 */
import * as fs from 'node:fs'
import * as promises from 'node:fs/promises'

export type Noted =
  /** A new file; `file` tells it from others that have had its name. */
  | { what: 'create'; path: string; file: number }
  | { what: 'write' | 'sync'; file: number }
  | { what: 'sync-folder' | 'mkdir' | 'unlink'; path: string }
  | { what: 'rename' | 'link'; from: string; to: string }

const notes: Noted[] = ((globalThis as { noted?: Noted[] }).noted ??= [])
let files = 0

export * from 'node:fs'
/** For those who ask whether a function is there at all. */
export default promises
export const { access, appendFile, lstat, readdir, readFile, rm, stat, statfs, utimes } = promises

export async function open(path: string, flags: number, mode?: number): Promise<promises.FileHandle> {
  const handle = await promises.open(path, flags, mode)
  const creates = (flags & fs.constants.O_CREAT) !== 0
  const isFolder = (await handle.stat()).isDirectory()
  const file = creates ? ++files : 0
  if (creates) notes.push({ what: 'create', path, file })
  return new Proxy(handle, {
    get(_, name) {
      const found: unknown = Reflect.get(handle, name)
      if (typeof found !== 'function') return found
      return (...args: unknown[]) => {
        if (name === 'writeFile' || name === 'write') notes.push({ what: 'write', file })
        const done = (found as (...args: unknown[]) => unknown).apply(handle, args)
        // It counts when it has returned.
        if (name === 'sync') return Promise.resolve(done).then(() => void notes.push(isFolder ? { what: 'sync-folder', path } : { what: 'sync', file }))
        return done
      }
    },
  })
}

export function openSync(path: string, flags: number, mode?: number): number {
  const descriptor = fs.openSync(path, flags, mode)
  if ((flags & fs.constants.O_CREAT) !== 0) {
    const file = ++files
    // Of these no write is ever synced.
    notes.push({ what: 'create', path, file }, { what: 'write', file })
  }
  return descriptor
}

export async function mkdir(path: string, options: object): Promise<unknown> {
  const made = await promises.mkdir(path, options)
  notes.push({ what: 'mkdir', path })
  return made
}

export async function writeFile(...args: Parameters<typeof promises.writeFile>): Promise<void> {
  await promises.writeFile(...args)
  const file = ++files
  notes.push({ what: 'create', path: String(args[0]), file }, { what: 'write', file })
}

export async function rename(from: string, to: string): Promise<void> {
  await promises.rename(from, to)
  notes.push({ what: 'rename', from, to })
}

export function renameSync(from: string, to: string): void {
  fs.renameSync(from, to)
  notes.push({ what: 'rename', from, to })
}

export async function link(from: string, to: string): Promise<void> {
  await promises.link(from, to)
  notes.push({ what: 'link', from, to })
}

export async function unlink(path: string): Promise<void> {
  await promises.unlink(path)
  notes.push({ what: 'unlink', path })
}

export function unlinkSync(path: string): void {
  fs.unlinkSync(path)
  notes.push({ what: 'unlink', path })
}
