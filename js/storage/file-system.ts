/**
 * One file per entry, named by its key, in folders of the key's first two digits.
 *
 * A file is written under another name and renamed: a reader, in this process or another, meets the old entry, the
 * new one or none, never half of one, also after a kill. Only the owner can read them (0600, folders 0700).
 */
import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { OptionError, show } from '../errors.js'
import type { Storage } from './storage.js'

export interface FileSystemOptions {
  /** The folder; made when it is first needed. Nothing else should live in it. */
  directory: string
}

/** Throws OptionError where `directory` is not a path. */
export function fileSystem(options: FileSystemOptions): Storage {
  const given: unknown = options?.directory
  if (typeof given !== 'string' || given === '') {
    throw new OptionError('fileSystem: directory', `${show(given)} is not a path. Give the folder that holds the entries, such as '.reprise'.`)
  }
  const root = resolve(given)
  const fileOf = (key: string): string => {
    // Keys are digests in hexadecimal; whatever else is asked for must not become a path.
    if (!/^[0-9a-f]{8,128}$/.test(key)) throw new TypeError(`${show(key)} is not a key: keys of this storage are hexadecimal digits.`)
    return join(root, key.slice(0, 2), key.slice(2))
  }

  return {
    async get(key) {
      try {
        return new Uint8Array(await readFile(fileOf(key)))
      } catch (error) {
        if (isMissing(error)) return undefined
        throw error
      }
    },

    async set(key, entry) {
      const file = fileOf(key)
      const unfinished = `${file}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`
      try {
        await writeNew(unfinished, entry)
        await rename(unfinished, file)
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => {})
        throw error
      }
    },

    async delete(key) {
      try {
        await unlink(fileOf(key))
      } catch (error) {
        if (!isMissing(error)) throw error
      }
    },

    async *keys() {
      for (const folder of await namesIn(root)) {
        if (!/^[0-9a-f]{2}$/.test(folder)) continue
        for (const file of await namesIn(join(root, folder))) if (/^[0-9a-f]+$/.test(file)) yield folder + file
      }
    },

    async clear() {
      await rm(root, { recursive: true, force: true })
    },
  }

  async function writeNew(file: string, entry: Uint8Array): Promise<void> {
    const write = (): Promise<void> => writeFile(file, entry, { flag: 'wx', mode: 0o600 })
    try {
      await write()
    } catch (error) {
      if (!isMissing(error)) throw error
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      // The folder holds nothing that belongs into a repository.
      await writeFile(join(root, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 }).catch(() => {})
      await write()
    }
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'ENOENT'
}
