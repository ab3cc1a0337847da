/**
 * F2: the power goes. What a file system promises then is little: bytes that were not synced may be there in part, and a name that was made or
 * removed may be there or not until its folder was synced. So at every moment of a run two things must hold: a file that has the name of an
 * entry, or could have it, was synced as a whole before; and what was acknowledged has its name, and every folder above has its own, for good.
 */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test, { after, before } from 'node:test'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import type { FileSystemOptions } from '../../js/storage/file-system.js'
import type { Storage } from '../../js/storage/storage.js'
import type { Noted } from './fs-recorder.js'

let folder: string
let fileSystem: (options: FileSystemOptions) => Storage
const notes: Noted[] = ((globalThis as { noted?: Noted[] }).noted = [])

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reprise-power-'))
  const recorder = fileURLToPath(new URL('./fs-recorder.ts', import.meta.url))
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../js/storage/file-system.ts', import.meta.url))],
    bundle: true, write: false, format: 'esm', platform: 'node', target: 'es2022',
    plugins: [{
      name: 'recorder',
      setup({ onResolve }) {
        onResolve({ filter: /^node:fs(\/promises)?$/ }, ({ path, importer }) => (importer === recorder ? { path, external: true } : { path: recorder }))
      },
    }],
  })
  const program = join(folder, 'program.mjs')
  await writeFile(program, outputFiles[0]!.contents)
  ;({ fileSystem } = (await import(pathToFileURL(program).href)) as { fileSystem: typeof fileSystem })
})
after(() => rm(folder, { recursive: true, force: true }))

/** The file system after every note so far, as it is, and as it would be if the power went. */
class Disk {
  private readonly now = new Map<string, number>()
  private readonly durable = new Map<string, number>()
  private readonly unsynced = new Set<number>()

  constructor(private readonly root: string) {}

  /** What is wrong after this. */
  note(noted: Noted): string | undefined {
    switch (noted.what) {
      case 'create': this.now.set(noted.path, noted.file); break
      case 'write': this.unsynced.add(noted.file); break
      case 'sync': this.unsynced.delete(noted.file); break
      case 'mkdir': this.now.set(noted.path, 0); break
      case 'unlink': this.now.delete(noted.path); break
      case 'link':
      case 'rename': {
        const file = this.now.get(noted.from)!
        this.now.set(noted.to, file)
        if (noted.what === 'rename') this.now.delete(noted.from)
        if (this.isEntry(noted.to) && this.unsynced.has(file)) return `${noted.to} got its name before its bytes were synced`
        break
      }
      case 'sync-folder':
        for (const names of [this.durable, this.now]) for (const path of names.keys()) {
          if (dirname(path) !== noted.path) continue
          const file = this.now.get(path)
          if (file === undefined) this.durable.delete(path)
          else this.durable.set(path, file)
        }
    }
    return undefined
  }

  /** The file that has this name whatever happens; 'none' where nothing has; undefined where nobody can tell. */
  certainly(path: string): number | 'none' | undefined {
    const [now, durable] = [this.now.get(path), this.durable.get(path)]
    if (now === undefined && durable === undefined) return 'none'
    if (now !== durable) return undefined
    for (let above = dirname(path); above.length >= this.root.length; above = dirname(above)) if (!this.durable.has(above)) return undefined
    return now
  }

  private isEntry(path: string): boolean {
    return /\/[0-9a-f]{2}\/[0-9a-f]+$/.test(path)
  }
}

/** Sets, replaces, adds and deletes; says what would be lost or torn, and when. */
async function played(durability: 'process' | 'power'): Promise<string[]> {
  const root = join(folder, durability)
  const storage = fileSystem({ directory: root, durability })
  notes.length = 0
  const disk = new Disk(root)
  const wrong: string[] = []
  const catchUp = (): void => {
    for (const noted of notes.splice(0)) {
      const problem = disk.note(noted)
      if (problem !== undefined) wrong.push(problem)
    }
  }
  const pathOf = (key: string): string => join(root, key.slice(0, 2), key.slice(2))
  const acknowledged = (key: string, there: boolean): void => {
    catchUp()
    const found = disk.certainly(pathOf(key))
    if (there ? typeof found !== 'number' : found !== 'none') wrong.push(`${key.slice(0, 8)} was ${there ? 'written' : 'deleted'}, and need not be`)
  }
  for (let i = 0; i < 40; i++) {
    const key = (i * 0x9e3779b97f4a7c15).toString(16).padStart(64, 'a').slice(0, 64)
    const token = key.slice(0, 16)
    await storage.set(key, new Uint8Array(i % 5 === 0 ? 100_000 : 500).fill(i), {})
    acknowledged(key, true)
    await storage.set(key, new Uint8Array(700).fill(i), {})
    acknowledged(key, true)
    await storage.add!(token, new Uint8Array(16).fill(i))
    acknowledged(token, true)
    if (i % 3 !== 0) continue
    await storage.delete(key)
    acknowledged(key, false)
  }
  await storage.close!()
  catchUp()
  return wrong
}

test("F2: with durability 'power' nothing is torn and nothing acknowledged is lost, whenever the power goes", async () => {
  assert.deepEqual(await played('power'), [])
})

test("F2: with durability 'process' it would be, which shows that this test can see it", async () => {
  const wrong = await played('process')
  assert.ok(wrong.some(problem => problem.includes('before its bytes were synced')))
  assert.ok(wrong.some(problem => problem.includes('was written, and need not be')))
})
