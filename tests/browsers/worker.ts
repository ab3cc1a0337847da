/** The module worker in which `?in=worker` has its story. */
import { serve } from './page.js'

globalThis.problems = []
for (const type of ['error', 'unhandledrejection'] as const) {
  addEventListener(type, event => problems.push(`the worker: ${'reason' in event ? event.reason : (event as ErrorEvent).message}`))
}
serve()
