/**
 * One file per entry, named by its key, in folders of the key's first two digits (files/directory.ts).
 *
 * Every file is there as a whole or not at all, also after a kill (files/whole-file.ts). Only its owner can read it (0600, folders 0700). Any
 * number of processes may use a directory at once: they share nothing but the names in it. Small entries are read and written at once
 * where the file system answers fast, everything else by promises (files/pace.ts). What is too much is removed behind everybody's
 * back, and so is what was left unfinished (files/housekeeping.ts). What is no file, but lies in the place of one, is an entry of no bytes: it is
 * refused, and removed, like one that is damaged.
 */
import { unlinkSync } from 'node:fs'
import { rmdir, unlink } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { OptionError, show } from '../errors.js'
import { type ByteSize, checkNames, parseBytes } from '../units.js'
import { Directory, namesIn, unfinished } from './files/directory.js'
import { failure, isFolder, isMissing, isNoFile } from './files/failure.js'
import { Housekeeping } from './files/housekeeping.js'
import { Leases, leases } from './files/leases.js'
import { Pace } from './files/pace.js'
import { addLater, readLater, readNow, smallBytes, syncFolder, writeLater, writeNow } from './files/whole-file.js'
import { nodeCrypto } from './node-crypto.js'
import type { Storage } from './storage.js'

export interface FileSystemOptions {
  /** The folder; made when it is first needed. Nothing else should live in it. */
  directory: string
  /** How much all entries together may take of the disk, such as `'500MB'`. What is worth least leaves first. Default `'1GB'`, at least 1 MB. */
  maxBytes?: ByteSize
  /**
   * What a value that was written survives: `'process'` (default), that its process is killed; `'power'`, that the machine loses power, at the price of waiting for the
   * disk with each write. Either way nobody ever meets half of one.
   */
  durability?: 'process' | 'power'
}

/** Throws OptionError where an option is not right. */
export function fileSystem(options: FileSystemOptions): Storage {
  const given: unknown = options?.directory
  if (typeof given !== 'string' || given === '' || given.includes('\0')) {
    throw new OptionError('fileSystem: directory', `${show(given)} is not a path. Give the folder that holds the entries, such as '.reprise'.`)
  }
  checkNames('fileSystem', options, ['directory', 'maxBytes', 'durability'])
  const maxBytes = parseBytes('fileSystem: maxBytes', options.maxBytes ?? '1GB', 1e6, Number.MAX_SAFE_INTEGER)
  const durability: unknown = options.durability ?? 'process'
  if (durability !== 'process' && durability !== 'power') {
    throw new OptionError('fileSystem: durability', `${show(durability)} is not known. Give 'process' or 'power'.`)
  }
  const forPower = durability === 'power'
  const directory = new Directory(resolve(given))
  const pace = new Pace()
  const housekeeping = new Housekeeping(directory, pace, maxBytes)
  /** No two drafts have one name: not of this process, its threads, or the one that had its number before. */
  let writer: string | undefined
  let drafts = 0
  const draftOf = (): string => directory.pathOf(unfinished, `${(writer ??= `${process.pid}-${nodeCrypto().randomBytes(8).toString('hex')}`)}-${++drafts}`)
  const leasing = new Leases(draftOf)
  let learned: Promise<void> | undefined

  /** False where there is no such folder. */
  async function open(folder: string, make: boolean): Promise<boolean> {
    if (!(await directory.open(folder, make))) return false
    await (learned ??= pace.learn(directory.root))
    if (make && forPower) {
      await syncFolder(directory.root)
      await syncFolder(dirname(directory.root))
    }
    return true
  }

  /** Does something by way of a draft in a folder that is there. */
  async function inFolder<T>(folder: string, path: string, work: (draft: string, synced: string | undefined) => Promise<T> | T): Promise<T> {
    const once = async (): Promise<T> => {
      if (!directory.trusts(folder) || !directory.trusts(unfinished)) {
        await open(folder, true)
        await open(unfinished, true)
      }
      return work(draftOf(), forPower ? resolve(directory.root, folder) : undefined)
    }
    try {
      try {
        return await once()
      } catch (error) {
        if (!isMissing(error)) throw error
        // Somebody removed a folder, or all of it.
        directory.forget()
        return await once()
      }
    } catch (error) {
      throw failure('write', path, error)
    }
  }

  async function remove(key: string): Promise<void> {
    const folder = folderOf(key)
    const path = directory.pathOf(folder, key.slice(2))
    try {
      if (!directory.trusts(folder) && !(await open(folder, false))) return
      try {
        if (pace.quick && !forPower) pace.run(() => unlinkSync(path))
        else await unlink(path)
      } catch (error) {
        if (!isFolder(error)) throw error
        // One with something in it is somebody's, and stays. Where it is no folder, the first error says what is wrong.
        await rmdir(path).catch((second: { code?: string }) => {
          if (second.code !== 'ENOTEMPTY' && second.code !== 'EEXIST' && !isMissing(second)) throw error
        })
      }
      if (forPower) await syncFolder(dirname(path))
    } catch (error) {
      if (!isMissing(error)) throw failure('delete', path, error)
    }
  }

  async function* keys(): AsyncIterable<string> {
    try {
      for (const folder of await directory.shards()) {
        for (const name of await namesIn(resolve(directory.root, folder))) if (isKey(folder + name)) yield folder + name
      }
    } catch (error) {
      throw failure('list', directory.root, error)
    }
  }

  return {
    async get(key) {
      const folder = folderOf(key)
      const path = directory.pathOf(folder, key.slice(2))
      try {
        if (!directory.trusts(folder) && !(await open(folder, false))) return undefined
        return (pace.quick ? pace.run(() => readNow(path)) : undefined) ?? (await readLater(path))
      } catch (error) {
        if (isMissing(error)) return undefined
        if (isNoFile(error)) return new Uint8Array(0)
        throw failure('read', path, error)
      }
    },

    async set(key, entry) {
      const folder = folderOf(key)
      const path = directory.pathOf(folder, key.slice(2))
      await inFolder(folder, path, (draft, synced) => {
        const atOnce = entry.length < smallBytes && !forPower && pace.quick
        return atOnce ? pace.run(() => writeNow(draft, path, entry)) : writeLater(draft, path, entry, synced)
      })
      await housekeeping.wrote(entry.length)
    },

    async add(key, entry) {
      const folder = folderOf(key)
      const path = directory.pathOf(folder, key.slice(2))
      return inFolder(folder, path, (draft, synced) => addLater(draft, path, entry, synced))
    },

    delete: remove,
    keys,

    /** Only what this storage made: should the directory hold anything else, that stays. */
    async clear() {
      for await (const key of keys()) await remove(key)
      await unlink(resolve(directory.root, 'ledger')).catch(() => {})
    },

    lease(key, leaseMs) {
      folderOf(key)
      const path = directory.pathOf(leases, key)
      return inFolder(leases, path, () => leasing.take(path, leaseMs))
    },

    released: (key, ms) => leasing.released(directory.pathOf(leases, key), directory.pathOf(folderOf(key), key.slice(2)), ms),

    close: () => housekeeping.close(),
  }
}

/** Keys are digests in hexadecimal; whatever else is asked for must not become a path. */
function folderOf(key: string): string {
  if (!isKey(key)) throw new TypeError(`${show(key)} is not a key: keys of this storage are 8 to 128 hexadecimal digits, in lower case.`)
  return key.slice(0, 2)
}

function isKey(name: string): boolean {
  return /^[0-9a-f]{8,128}$/.test(name)
}
