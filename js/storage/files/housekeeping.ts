/**
 * Keeps a directory within its size, and free of litter, behind everybody's back.
 *
 * Nobody knows how much is in a directory that many processes write to. So each of them, whenever it has written some bytes, counts a few of the
 * 256 folders, those whose counts are the oldest, and notes that in the ledger, which all share. Keys are digests, so all
 * folders fill alike. By the time that all processes together have written a sixteenth of maxBytes (or half of what is free, where that is
 * more), every folder has been counted once. Where that work falls behind, writes wait for it.
 *
 * When the counts come to more than 7/8 of maxBytes, who counts a folder removes as large a part of it as is too much of the whole; what is
 * worth least goes first (worth.ts). So what lies there settles at about 15/16, and with what was not yet counted stays below maxBytes. In
 * a large folder some entries stand for all, both for counting and for choosing. Names of 64 digits are entries; whatever else there
 * is, tokens above all, is not counted and never removed: without its tokens an entry is dead.
 */
import { lstatSync, readdirSync } from 'node:fs'
import { lstat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { stopwatch } from '../node-stopwatch.js'
import { type Directory, namesIn, unfinished } from './directory.js'
import { isMissing } from './failure.js'
import { type Counts, folderCount, Ledger } from './ledger.js'
import { isAlive, leases } from './leases.js'
import type { Pace } from './pace.js'
import { type Looked, lookLater, lookNow, onDisk } from './worth.js'

/** In folders with more entries than that, these many stand for all. */
const sampleSize = 64
/** Done at once, before others have their turn: some hundred microseconds. */
const batch = 16
/** So many bytes are written before it is worth opening the ledger, and so many folders are counted then at the most. */
const leastStep = 64 * 1024
const mostFolders = 64
const youngMs = 60_000
const oldMs = 3_600_000

export class Housekeeping {
  private readonly ledger: Ledger
  /** For so many bytes a folder is to be counted. */
  private perFolder: number
  /** Bytes written here for which none was. It begins anywhere within a step, so that processes of short lives do their share. */
  private uncounted: number
  /** Bytes that should go, and were less than the next entry. */
  private owed = 0
  private work: Promise<void> | undefined
  private sweptAt = -Infinity
  private closed = false

  constructor(private readonly directory: Directory, private readonly pace: Pace, private readonly maxBytes: number) {
    this.ledger = new Ledger(join(directory.root, 'ledger'))
    this.perFolder = maxBytes / 16 / folderCount
    this.uncounted = Math.random() * this.step
  }

  /** An entry of so many bytes was written. Where a promise is returned, too much was written of late: wait for it. */
  wrote(bytes: number): Promise<void> | undefined {
    this.uncounted += onDisk(bytes)
    const sweeps = stopwatch() - this.sweptAt > oldMs
    // Another cache has the same storage, and goes on.
    this.closed = false
    if (this.work === undefined && (this.uncounted >= this.step || sweeps)) {
      // What cannot be tidied stays: where the disk fails, reads and writes will say so.
      this.work = this.tidy(sweeps).catch(() => {}).finally(() => {
        this.work = undefined
      })
    }
    return this.uncounted > this.maxBytes / 16 ? this.work : undefined
  }

  async close(): Promise<void> {
    this.closed = true
    await this.work
  }

  private get step(): number {
    return Math.max(leastStep, this.perFolder)
  }

  private async tidy(sweeps: boolean): Promise<void> {
    // Those who wait for the write have their turn first.
    await new Promise(resolve => setImmediate(resolve))
    if (sweeps) {
      this.sweptAt = stopwatch()
      await this.sweep()
    }
    for (let counted = 0; counted < folderCount && this.uncounted >= this.step && !this.closed; ) {
      const now = Date.now()
      const counts = await this.ledger.read(now)
      const folders = counts.oldest(Math.min(mostFolders, Math.floor(this.uncounted / this.perFolder)))
      for (const folder of folders) counts.set(folder, await this.visit(folder, counts, now), now)
      await this.ledger.write(folders, counts)
      counted += folders.length
      this.uncounted -= folders.length * this.perFolder
      const { total } = counts
      this.perFolder = Math.max(this.maxBytes / 16, (this.maxBytes - total) / 2) / folderCount
      // Far too much, as where maxBytes was larger before: on, until all folders had their turn.
      if (total > this.maxBytes) this.uncounted = Math.max(this.uncounted, this.step)
    }
    // Once around is all that can be done.
    this.uncounted = Math.min(this.uncounted, this.step)
  }

  /** Counts a folder, and makes room in it where there is too much of everything. Returns how many bytes are there then. */
  private async visit(number: number, counts: Counts, now: number): Promise<number> {
    const folder = number.toString(16).padStart(2, '0')
    if (!this.directory.trusts(folder) && !(await this.directory.open(folder, false))) return 0
    const path = join(this.directory.root, folder)
    const all = this.pace.quick ? this.pace.run(() => readdirSync(path)) : await namesIn(path)
    const names = all.filter(name => /^[0-9a-f]{62}$/.test(name))
    // As long as some folders were never counted, nobody knows whether there is too much.
    const { total } = counts
    const tooMuch = counts.complete ? Math.max(0, total - (7 / 8) * this.maxBytes) : 0
    const share = tooMuch > 0 ? tooMuch / total : 0
    const sample = some(names, Math.max(sampleSize, Math.ceil(3 * share * names.length)))
    const found = await this.look(folder, sample, now, tooMuch > 0)
    const scale = sample.length > 0 ? names.length / sample.length : 1
    let bytes = scale * found.reduce((sum, { bytes }) => sum + bytes, 0)
    if (tooMuch === 0) return bytes
    this.owed = Math.min(this.owed + share * bytes, tooMuch)
    found.sort((a, b) => a.worth - b.worth)
    for (const { name, bytes: freed, worth } of found) {
      if (worth > 0 && freed > this.owed) break
      await this.remove(this.directory.pathOf(folder, name))
      this.owed = Math.max(0, this.owed - freed)
      bytes -= freed
    }
    return Math.max(0, bytes)
  }

  /** What these entries take and, where asked for, are worth. Those that are gone meanwhile are left out. */
  private async look(folder: string, names: readonly string[], now: number, worth: boolean): Promise<(Looked & { name: string })[]> {
    const found: (Looked & { name: string })[] = []
    const quickly = (path: string): Looked => (worth ? lookNow(path, now) : { bytes: onDisk(lstatSync(path).size), worth: 0 })
    const later = async (path: string): Promise<Looked> => (worth ? lookLater(path, now) : { bytes: onDisk((await lstat(path)).size), worth: 0 })
    for (let i = 0; i < names.length; i++) {
      if (i % batch === batch - 1) await new Promise(resolve => setImmediate(resolve))
      const name = names[i]!
      const path = this.directory.pathOf(folder, name)
      try {
        const looked = this.pace.quick ? this.pace.run(() => quickly(path)) : await later(path)
        found.push({ name, ...looked })
      } catch {
        // Removed, replaced by something odd, or not ours to read: not counted.
      }
    }
    return found
  }

  private async remove(path: string): Promise<void> {
    try {
      await unlink(path)
    } catch (error) {
      if (!isMissing(error)) throw error
    }
  }

  /**
   * Removes what writers left unfinished that are no more: after a minute where their process is gone, after an hour whatever they are (a process
   * of another machine or container has a number that tells nothing here).
   */
  private async sweep(): Promise<void> {
    for (const name of await namesIn(join(this.directory.root, leases))) {
      const path = this.directory.pathOf(leases, name)
      const { mtimeMs } = await lstat(path).catch(() => ({ mtimeMs: Infinity }))
      if (Date.now() - mtimeMs > oldMs) await unlink(path).catch(() => {})
    }
    for (const name of await namesIn(join(this.directory.root, unfinished))) {
      const path = this.directory.pathOf(unfinished, name)
      const ageMs = Date.now() - (await lstat(path).then(({ mtimeMs }) => mtimeMs, () => Infinity))
      if (ageMs > oldMs || (ageMs > youngMs && !isAlive(Number(/^\d+/.exec(name)?.[0])))) await unlink(path).catch(() => {})
    }
  }
}

/** So many of them, by chance, where there are more. */
function some(names: string[], count: number): string[] {
  if (names.length <= count) return names
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor(Math.random() * (names.length - i))
    ;[names[i], names[other]] = [names[other]!, names[i]!]
  }
  return names.slice(0, count)
}
