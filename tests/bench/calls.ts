/**
 * `npm run bench -- calls`: what calls cost beyond plain hits.
 *
 *   calls/waiters          1,000 calls at once of a key that nobody has asked for: one run, and what each caller pays for it
 *   calls/miss             a whole wrapped call that is a miss: the function returns at once, so this is what the cache adds
 *   calls/follow-hit       what it costs to know within which call another one is made (calls/follow-miss: of a miss)
 *   calls/invalidate-tag   invalidate({ tag }) with 100,000 entries in memory
 *   calls/get-5-tags       get(key) of an entry with 5 tags
 *   calls/get-tagged       the same in relation to an entry without any
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { callRows, taggedRatio, waiterRow } from './call-rows.js'
import type { Followed } from './calls-process.js'
import { type Pace, type Result, runRows, type Timed, timingOf } from './harness.js'
import { main } from './main.js'

const program = fileURLToPath(new URL('./calls-process.mjs', import.meta.url))

/** Ours with an AsyncLocalStorage and without, each in processes of its own, in turns. */
async function followRows(pace: Pace, progress: (line: string) => void): Promise<Result[]> {
  const measured: Record<'follows' | 'plain', Followed[]> = { follows: [], plain: [] }
  const turns = pace.rounds < 100 ? 1 : 3
  for (let round = 0; round < turns; round++) {
    for (const how of ['follows', 'plain'] as const) {
      progress(`a process that ${how === 'follows' ? 'follows calls' : 'does not'}, round ${round + 1}`)
      const { stdout } = await promisify(execFile)(process.execPath, [program, how, String(Math.ceil(pace.rounds / turns))])
      measured[how].push(JSON.parse(stdout) as Followed)
    }
  }
  const timed = (name: string, how: 'follows' | 'plain', of: keyof Followed): Timed => ({
    name,
    version: versions['reprise']!,
    timing: { min: Math.min(...measured[how].map((one) => one[of].min)), median: timingOf(measured[how].map((one) => one[of].median)).median },
  })
  return (['hit', 'miss'] as const).map((of) => ({
    id: `calls/follow-${of}`,
    what: `a wrapped call that is a ${of}, of a small object, in a process of its own: what it costs to follow calls through their awaits`,
    unit: 'ns',
    timed: [timed('reprise', 'follows', of), timed('reprise, without AsyncLocalStorage', 'plain', of)],
  }))
}

await main(async ({ pace, progress }) => {
  const entries = pace.rounds < 100 ? 20_000 : 100_000
  const waiters = await waiterRow(pace, progress)
  const rows = await runRows(await callRows(entries), pace, progress)
  return [waiters, ...rows, await taggedRatio(pace, progress), ...(await followRows(pace, progress))]
})
