/**
 * Is every value that was acknowledged there, and whole, whenever its writer is killed? Several processes write to one directory, to keys of their own and to shared ones;
 * one after the other is killed (SIGKILL) at some moment and replaced. After each kill a new process's worth of cache reads everything, while the others write on.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstat, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { CacheEvent } from '../../js/events.js'
import { createCache, fileSystem } from '../../js/runtimes/node.js'
import { bundled } from '../contract/bundled.js'
import { isWhole } from './files-value.js'
import { freshSeed, Random } from './random.js'

export interface Killed {
  kills: number
  /** Values that were acknowledged, and read after the kill of their writer. */
  acknowledged: number
  reads: number
  torn: number
  lost: number
  /** Drafts that killed writers left, and how many of them were still there when it was time to sweep. */
  litter: number
  leftLitter: number
}

interface Writer {
  readonly process: ChildProcess
  /** The last number that was acknowledged, by key. */
  readonly acknowledged: Map<string, number>
  readonly ended: Promise<unknown>
  readonly begun: Promise<unknown>
}

/** Kills so many writers of `slots` that write at once. */
export async function killWriters(cycles: number, seed: number, slots = 3, tell: (line: string) => void = () => {}): Promise<Killed> {
  const directory = await mkdtemp(join(tmpdir(), 'reprise-kill-'))
  const program = await bundled('tests/torture/files-writer.ts')
  const random = new Random(seed, 0)
  const said: Killed = { kills: 0, acknowledged: 0, reads: 0, torn: 0, lost: 0, litter: 0, leftLitter: 0 }
  /** What each key must have at the least. */
  const floor = new Map<string, number>()
  const writers = Array.from({ length: slots }, (_, slot) => start(program.file, directory, slot))
  try {
    for (let cycle = 0; cycle < cycles; cycle++) {
      const slot = cycle % slots
      const writer = writers[slot]!
      await writer.begun
      await new Promise(resolve => setTimeout(resolve, random.below(12)))
      assert.equal(writer.process.exitCode, null, `seed ${seed}: a writer ended by itself`)
      writer.process.kill('SIGKILL')
      await writer.ended
      writers[slot] = start(program.file, directory, slot)
      said.kills++
      for (const [key, number] of writer.acknowledged) {
        if (key.startsWith('own')) floor.set(key, number)
        // Others write it too, and theirs may be older and later: it must be there.
        else if (!floor.has(key)) floor.set(key, 0)
      }
      said.acknowledged += writer.acknowledged.size
      await readAll(directory, floor, said)
      if (cycle % 500 === 499) tell(`${said.kills} kills, ${said.reads} reads, ${said.torn} torn, ${said.lost} lost`)
    }
  } finally {
    for (const writer of writers) writer.process.kill('SIGKILL')
    await Promise.all(writers.map(writer => writer.ended))
    await program.remove()
  }
  await sweep(directory, said)
  await rm(directory, { recursive: true })
  return said
}

function start(program: string, directory: string, slot: number): Writer {
  const process_ = spawn(process.execPath, [program, directory, String(slot)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acknowledged = new Map<string, number>()
  const lines = createInterface(process_.stdout!)
  lines.on('line', line => {
    const [key, number] = line.split(' ') as [string, string]
    acknowledged.set(key, Number(number))
  })
  return { process: process_, acknowledged, ended: Promise.all([once(process_, 'exit'), once(lines, 'close')]), begun: Promise.race([once(lines, 'line'), once(process_, 'exit')]) }
}

async function readAll(directory: string, floor: ReadonlyMap<string, number>, said: Killed): Promise<void> {
  const events: CacheEvent[] = []
  // Of what is read nothing may fail; it may take long, with the writers beside it.
  const cache = await createCache({ storage: fileSystem({ directory }), storageDeadline: '60s', onEvent: event => void events.push(event) })
  for (const [key, least] of floor) {
    const value = await cache.get(key)
    said.reads++
    if (value === undefined) said.lost++
    else if (!isWhole(key, value)) said.torn++
    else if (value.number < least) said.lost++
  }
  said.torn += events.filter(({ type }) => type === 'refused').length
  assert.deepEqual(events.filter(({ type }) => type === 'storage-error'), [])
  await cache.close()
}

/** What killed writers left is gone once somebody writes a while later. */
async function sweep(directory: string, said: Killed): Promise<void> {
  const drafts = join(directory, 'tmp')
  const left = await readdir(drafts)
  said.litter = left.length
  const old = new Date(Date.now() - 120_000)
  for (const name of left) await utimes(join(drafts, name), old, old)
  const storage = fileSystem({ directory })
  await storage.set('ab'.repeat(32), new Uint8Array(1), {})
  await storage.close!()
  said.leftLitter = (await readdir(drafts)).length
  assert.ok((await lstat(directory)).isDirectory())
}

export const summary = 'Writers to one directory are killed 10,000 times: nothing torn, nothing acknowledged lost (--kills N --slots N --seed S)'
export const options = ['kills', 'slots', 'seed']

/** `npm run torture -- files`; answers whether all is well. */
export async function run(options: ReadonlyMap<string, number>): Promise<boolean> {
  const seed = options.get('seed') ?? freshSeed()
  console.log(`files: seed ${seed}`)
  const said = await killWriters(options.get('kills') ?? 10_000, seed, options.get('slots') ?? 3, line => console.log(line))
  console.log(`${said.kills.toLocaleString('en')} kills, ${said.acknowledged.toLocaleString('en')} values acknowledged last, ${said.reads.toLocaleString('en')} reads: ${said.torn} torn, ${said.lost} lost; ${said.litter} drafts left, ${said.leftLitter} not swept`)
  return said.torn === 0 && said.lost === 0 && said.leftLitter === 0
}
