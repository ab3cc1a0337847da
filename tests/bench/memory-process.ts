/**
 * One cache in a process of its own: filled with replies, and asked what that took. Prints one line of JSON.
 * Run with --expose-gc by memory.ts: node --expose-gc memory-process.mjs <contestant> <entries>
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { LRUCache } from 'lru-cache'
import { createCache } from '../../js/runtimes/node.js'
import { Replies } from './replies.js'

export interface Filled {
  /** Of the process, before and after, each after a full collection. */
  rssBytes: number
  /** Spent in the collector while filling, and in its longest pause. */
  gcMs: number
  longestPauseMs: number
  /** Of a full collection with everything in place. */
  fullGcMs: number
  /** What the cache says of itself, where it does. */
  metadataBytes?: number
  heapBytes: number
  entries: number
}

type Fill = (key: string, value: object) => unknown

const [contestant = 'none', count = '100000'] = process.argv.slice(2)
const entries = Number(count)
const collect = (globalThis as unknown as { gc(): void }).gc

const contestants: Readonly<Record<string, () => Promise<{ fill: Fill; metadata?: () => number; held?: () => number; keep: unknown }>>> = {
  async none() {
    return { fill: () => {}, keep: undefined }
  },
  async lru() {
    const lru = new LRUCache<string, object>({ max: entries })
    return { fill: (key, value) => lru.set(key, value), held: () => lru.size, keep: lru }
  },
  /** Nothing but keys: what lru-cache takes beside its values. */
  async 'lru-keys'() {
    const lru = new LRUCache<string, boolean>({ maxSize: entries, sizeCalculation: () => 1, ttl: 3_600_000 })
    return { fill: (key) => lru.set(key, true), held: () => lru.size, keep: lru }
  },
  plain: () => ours('none'),
  dense: () => ours('lz4'),
}

async function ours(compression: 'none' | 'lz4'): Promise<{ fill: Fill; metadata: () => number; held: () => number; keep: unknown }> {
  const cache = await createCache({ storage: false, memory: { maxBytes: '512MB', ...(compression === 'none' ? {} : { compression }) } })
  return {
    fill: (key, value) => cache.set(key, value),
    metadata: () => cache.stats().core!.metadata,
    held: () => cache.stats().entries,
    keep: cache,
  }
}

const { fill, metadata, held, keep } = await contestants[contestant]!()
// All replies as JSON, as a server would send them, outside the collector's sight: making them is not what is measured.
const replies = new Replies(4)
const json = Buffer.allocUnsafeSlow(entries * 1200)
const ends = new Uint32Array(entries)
for (let i = 0, at = 0; i < entries; i++) ends[i] = at += json.write(JSON.stringify(replies.next(1024)), at, 'latin1')
json.fill(0, ends[entries - 1])
const reply = (i: number): object => JSON.parse(json.toString('latin1', i === 0 ? 0 : ends[i - 1], ends[i])) as object
const prompt = (i: number): string => `Summarise chapter ${String(i).padStart(6, '0')} of the report in two sentences.`
collect()
collect()
const rssBefore = process.memoryUsage().rss
const heapBefore = usedHeap()
let gcMs = 0
let longestPauseMs = 0
const observer = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    gcMs += duration
    longestPauseMs = Math.max(longestPauseMs, duration)
  }
})
observer.observe({ entryTypes: ['gc'] })
for (let i = 0; i < entries; i++) {
  const filled = fill(prompt(i), reply(i))
  if (filled instanceof Promise) await filled
  if (i % 1000 === 999) await new Promise((done) => setImmediate(done))
}
await new Promise((done) => setTimeout(done, 50))
observer.disconnect()
const started = performance.now()
collect()
const fullGcMs = performance.now() - started
collect()
if (held !== undefined && held() !== entries) throw new Error(`${contestant} holds ${held()} of ${entries} entries.`)
const filled: Filled = { rssBytes: process.memoryUsage().rss - rssBefore, gcMs, longestPauseMs, fullGcMs, heapBytes: usedHeap() - heapBefore, entries }
if (metadata !== undefined) filled.metadataBytes = metadata()
console.log(JSON.stringify(filled))
// What was filled must be alive up to here.
if (keep === null) process.exitCode = 1

function usedHeap(): number {
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
