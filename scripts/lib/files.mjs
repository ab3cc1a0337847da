// Finding files, and telling whether what was made from them is still up to date.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { root } from './process.mjs'

/** All files below `folder` (relative to the root) whose name ends in one of `endings`, sorted; none of installed packages. */
export function filesBelow(folder, ...endings) {
  const start = join(root, folder)
  if (!existsSync(start)) return []
  return readdirSync(start, { withFileTypes: true })
    .flatMap((entry) => {
      const path = relative(root, join(start, entry.name))
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesBelow(path, ...endings)
      return entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)) ? [path] : []
    })
    .sort()
}

/** The newest modification time, in ms, among files and folders; Infinity if one is not there. */
export function newest(paths) {
  let latest = 0
  for (const path of paths) {
    const full = resolve(root, path)
    if (!existsSync(full)) return Infinity
    const stat = statSync(full)
    latest = Math.max(latest, stat.mtimeMs)
    if (stat.isDirectory()) {
      // The folders' own times are looked at too: they change when a file is removed.
      for (const name of readdirSync(full, { recursive: true })) {
        latest = Math.max(latest, statSync(join(full, name)).mtimeMs)
      }
    }
  }
  return latest
}

/**
 * Does `work` unless it has been done since the last change of `inputs`, and all `outputs` are there.
 * Remembers that in an empty file, build/stamps/<name>. Answers whether there was anything to do.
 */
export async function unlessUpToDate(name, inputs, outputs, work) {
  const stamp = join(root, 'build/stamps', name)
  const allThere = outputs.every((output) => existsSync(join(root, output)))
  if (allThere && existsSync(stamp) && statSync(stamp).mtimeMs > newest(inputs)) return false
  const start = new Date()
  await work()
  await mkdir(dirname(stamp), { recursive: true })
  // The stamp is dated at the start: an input that changed while we worked is newer.
  await writeFile(stamp, '')
  await utimes(stamp, start, start)
  return true
}
