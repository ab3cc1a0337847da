/**
 * `npm run bench -- memory`: what a hit costs, and what entries in memory take.
 *
 *   memory/get-object    get(key) of a reply of 2.1 KB, which nobody else can change
 *   memory/wrap-string   a whole wrapped call that is a hit, a prompt of 60 characters
 *   memory/wrap-object   the same with a request of 1 KB
 *   memory/bytes         get(key) of 200 KB
 *   memory/rss-plain     what the process grew by, for each of 100,000 replies of 1 KB; memory/rss-dense: compressed
 *   memory/gc-fill       time in the garbage collector while they are stored; memory/gc-pause: its longest pause
 *                        (memory and time are those beyond a process that makes the same replies and keeps none)
 *   memory/metadata      what an entry takes beside its payload: key, record, index, policy
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createCache } from '../../js/runtimes/node.js'
import { type Pace, type Result, runRows, type Timed, timingOf } from './harness.js'
import { main } from './main.js'
import type { Filled } from './memory-process.js'
import { memoryRows } from './memory-rows.js'

const program = fileURLToPath(new URL('./memory-process.mjs', import.meta.url))

/** Each contestant in a process of its own, in turns, several times. */
async function fillAll(pace: Pace, progress: (line: string) => void): Promise<Record<string, Filled[]>> {
  const quick = pace.rounds < 100
  const entries = quick ? 20_000 : 100_000
  const filled: Record<string, Filled[]> = {}
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    for (const contestant of ['none', 'lru', 'lru-keys', 'plain', 'dense']) {
      progress(`a process with ${entries} replies: ${contestant}, round ${round + 1}`)
      ;(filled[contestant] ??= []).push(await fill(contestant, entries))
    }
  }
  return filled
}

async function fill(contestant: string, entries: number): Promise<Filled> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program, contestant, String(entries)])
    return JSON.parse(stdout) as Filled
  } catch (error) {
    const said = String((error as { stderr?: string }).stderr).split('\n').filter((line) => /Error/.test(line) && line.length < 500)
    throw new Error(`the process with ${contestant} failed: ${said.join(' ')}`)
  }
}

async function fillRows(pace: Pace, progress: (line: string) => void): Promise<Result[]> {
  const filled = await fillAll(pace, progress)
  const of = (contestant: string, what: (one: Filled) => number): number[] => filled[contestant]!.map(what)
  // The making of replies leaves something behind without any cache, and makes the collector work.
  const rest = timingOf(of('none', ({ rssBytes, entries }) => rssBytes / entries)).min
  const restGcMs = timingOf(of('none', ({ gcMs }) => gcMs)).min
  const timed = (name: string, contestant: string, what: (one: Filled) => number, aside?: string): Timed => ({
    name,
    version: versions[name.startsWith('lru') ? 'lru-cache' : 'reprise']!,
    timing: timingOf(of(contestant, what)),
    ...(aside === undefined ? {} : { aside }),
  })
  const rss = ({ rssBytes, entries }: Filled): number => rssBytes / entries - rest
  const gc = ({ gcMs }: Filled): number => gcMs - restGcMs
  const pause = ({ longestPauseMs }: Filled): number => longestPauseMs
  const replies = `${filled['lru']![0]!.entries} replies of 1 KB`
  return [
    { id: 'memory/rss-plain', what: `memory of the process for each of ${replies}`, unit: 'B', timed: [timed('reprise', 'plain', rss), timed('lru-cache', 'lru', rss)] },
    { id: 'memory/rss-dense', what: `the same with compression: 'lz4'`, unit: 'B', timed: [timed("reprise, 'lz4'", 'dense', rss), timed('lru-cache', 'lru', rss)] },
    {
      id: 'memory/gc-fill',
      what: `milliseconds in the garbage collector while ${replies} are stored, beyond what making them costs`,
      unit: 'ms',
      timed: [timed('reprise', 'plain', gc), timed('lru-cache', 'lru', gc), timed("reprise, 'lz4'", 'dense', gc, 'ours as well'), timed('no cache at all', 'none', ({ gcMs }) => gcMs, 'making the replies costs this much, which is taken off the others')],
    },
    {
      id: 'memory/gc-pause',
      what: 'the longest pause among them',
      unit: 'ms',
      timed: [timed('reprise', 'plain', pause), timed('lru-cache', 'lru', pause), timed("reprise, 'lz4'", 'dense', pause, 'ours as well'), timed('no cache at all', 'none', pause, 'making the replies costs this much')],
    },
    {
      id: 'memory/metadata',
      what: 'what an entry takes beside its payload',
      unit: 'B',
      timed: [
        timed('reprise', 'plain', ({ metadataBytes, entries }) => metadataBytes! / entries),
        timed('lru-cache with maxSize and ttl, keys of 60 characters', 'lru-keys', ({ heapBytes, entries }) => heapBytes / entries),
      ],
    },
  ]
}

const newCache = (): ReturnType<typeof createCache> => createCache({ storage: false })

await main(async ({ pace, progress }) => [...(await runRows(await memoryRows(newCache), pace, progress)), ...(await fillRows(pace, progress))])
