/** Writes down what happens: `createCache({ onEvent: record.listen })`. Tests compare transcripts: what came, in which order. */
import type { CacheEvent, EventListener } from '../events.js'

export interface Recorder {
  readonly listen: EventListener
  /** All that happened. */
  readonly events: CacheEvent[]
  /** What happened since the last look, a line each: `hit:memory`, `miss:absent`, `stale:error`, `stored` … */
  transcript(): string[]
}

export function recorder(): Recorder {
  const events: CacheEvent[] = []
  let seen = 0
  return {
    listen: event => void events.push(event),
    events,
    transcript() {
      const news = events.slice(seen).map(line)
      seen = events.length
      return news
    },
  }
}

function line(event: CacheEvent): string {
  if ('because' in event) return `${event.type}:${event.because}`
  if ('tier' in event) return `${event.type}:${event.tier}`
  if ('reason' in event) return `${event.type}:${event.reason}`
  if ('state' in event) return `${event.type}:${event.state}`
  if ('operation' in event) return `${event.type}:${event.operation}`
  if (event.type === 'computed') return `computed${event.ok ? '' : ':failed'}${event.background ? ':background' : ''}`
  return event.type
}
