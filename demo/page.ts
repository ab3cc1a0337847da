// The demo page in the browser: built from web-demo/ by vite when it is older than what it is made of.

import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { folders } from './folders.js'

export function pageExists(): boolean {
  return existsSync(join(folders.pageSource, 'index.html'))
}

/** Builds the page if it is stale. True if there was something to do. */
export async function buildPage(): Promise<boolean> {
  const built = await stat(join(folders.page, 'index.html')).catch(() => undefined)
  const newest = await newestMs([folders.pageSource, folders.demo, folders.package])
  if (built && built.mtimeMs >= newest) return false
  const vite = await import('vite')
  await vite.build({
    root: folders.pageSource,
    logLevel: 'warn',
    build: { outDir: folders.page, emptyOutDir: true },
  })
  return true
}

async function newestMs(directories: readonly string[]): Promise<number> {
  let newest = 0
  for (const directory of directories) {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      if (!entry.isFile()) continue
      const { mtimeMs } = await stat(join(entry.parentPath, entry.name))
      newest = Math.max(newest, mtimeMs)
    }
  }
  return newest
}
