/**
 * A clock that stands still until a test moves it: `createCache({ clock })`. Timers that fall due on the way run in their order, each at its
 * own time, and what they set going has its turn before time goes on. Chance comes from a seed.
 */
import type { Clock } from '../options.js'
import { type Duration, parseDuration } from '../units.js'
import { seededRandom } from './random.js'

export interface VirtualClock extends Clock {
  /** Lets time pass: a duration such as `'31d'`, or milliseconds. Resolves when all timers that fell due have run. */
  advance(duration: Duration): Promise<void>
  /** Sets the clock, forward or back, as someone who turns its hands: timers do not notice. Milliseconds since 1970 UTC. */
  set(time: number): void
  /** Timers that wait. */
  readonly timers: number
}

export interface VirtualClockOptions {
  /** Milliseconds since 1970 UTC. Default: 2026-01-01. */
  now?: number
  /** Of random(). Default 1. */
  seed?: number
}

export function virtualClock(options: VirtualClockOptions = {}): VirtualClock {
  let now = options.now ?? Date.UTC(2026, 0)
  let elapsed = 0
  const waiting = new Set<{ readonly at: number; readonly run: () => void }>()
  return {
    now: () => now,
    stopwatch: () => elapsed,
    random: seededRandom(options.seed ?? 1),
    after(ms, run) {
      // Nothing to wait for but the others' turn.
      if (ms <= 0) {
        const turn = setTimeout(run, 0)
        return () => clearTimeout(turn)
      }
      const timer = { at: elapsed + ms, run }
      waiting.add(timer)
      return () => void waiting.delete(timer)
    },
    async advance(duration) {
      const end = elapsed + parseDuration('advance', duration)
      for (;;) {
        await settled()
        const due = [...waiting].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
        const to = Math.max(elapsed, due?.at ?? end)
        now += to - elapsed
        elapsed = to
        if (due === undefined) return settled()
        waiting.delete(due)
        due.run()
      }
    },
    set(time) {
      now = time
    },
    get timers() {
      return waiting.size
    },
  }
}

/** Whatever is ready to go on has gone on: promises that wait for nothing but each other, and work that a runtime had others do. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 3; turns++) await new Promise<void>(resolve => setTimeout(resolve, 0))
}
