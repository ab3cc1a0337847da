/**
 * The folders that entries lie in: `00` to `ff` by the first two digits of their names, and `tmp` for what is not finished.
 *
 * A folder is looked at before it is used for the first time. It must be one that nobody else can write to, else others could plant
 * links there, or entries; once that is so only its owner can change it, and it is looked at again only when something is missing
 * from it. (The folders above it are the user's affair, as with any path.)
 */
import { lstat, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { StorageError } from '../../errors.js'
import { isMissing } from './failure.js'

/** The folder of what is being written. */
export const unfinished = 'tmp'

export class Directory {
  private readonly trusted = new Set<string>()

  constructor(readonly root: string) {}

  pathOf(folder: string, name: string): string {
    return `${this.root}${sep}${folder}${sep}${name}`
  }

  /** Was it looked at, and found good? */
  trusts(folder: string): boolean {
    return this.trusted.has(folder)
  }

  /** Looks at a folder, and makes it where told to. False where there is none. Throws StorageError where it is not to be trusted. */
  async open(folder: string, make: boolean): Promise<boolean> {
    if (!(await this.openRoot(make))) return false
    const path = join(this.root, folder)
    if (make) await mkdir(path, { mode: 0o700 }).catch(unlessThere)
    if (!(await isOurs(path))) return false
    this.trusted.add(folder)
    return true
  }

  /** Something was missing: nothing is taken for granted any more. */
  forget(): void {
    this.trusted.clear()
  }

  /** The folders of entries that there are. */
  async shards(): Promise<string[]> {
    if (!(await this.openRoot(false))) return []
    return (await namesIn(this.root)).filter(name => /^[0-9a-f]{2}$/.test(name))
  }

  private async openRoot(make: boolean): Promise<boolean> {
    if (this.trusted.has('')) return true
    let there = await isOurs(this.root)
    if (!there && make) {
      await mkdir(this.root, { recursive: true, mode: 0o700 })
      there = await isOurs(this.root)
    }
    if (there && make) {
      await mkdir(join(this.root, unfinished), { mode: 0o700 }).catch(unlessThere)
      await isOurs(join(this.root, unfinished))
      // The folder holds nothing that belongs into a repository.
      await writeFile(join(this.root, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 }).catch(() => {})
      this.trusted.add('')
    }
    return there
  }
}

/** The names in a folder; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** False where there is nothing; throws StorageError where others could have written, or could write, what is there. */
async function isOurs(path: string): Promise<boolean> {
  const refused = (what: string, todo: string): never => {
    throw new StorageError(`fileSystem: ${path} is not used, as ${what}. To do: ${todo}, or give another directory.`)
  }
  let found
  try {
    found = await lstat(path)
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
  if (found.isSymbolicLink()) refused('it is a symbolic link, which could lead anywhere', 'give the directory that it leads to')
  if (!found.isDirectory()) refused('it is not a directory', 'remove it')
  const user = process.geteuid?.()
  // Windows has neither.
  if (user === undefined) return true
  if ((found.mode & 0o022) !== 0) refused('others than its owner can write to it, and so could put answers there', `chmod go-w '${path}'`)
  if (found.uid !== user && found.uid !== 0) refused(`it belongs to another user (${found.uid}), who could put answers there`, `chown ${user} '${path}'`)
  return true
}

function unlessThere(error: unknown): void {
  if ((error as { code?: string }).code !== 'EEXIST') throw error
}
