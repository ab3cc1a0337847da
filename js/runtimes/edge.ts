/** Edge isolates: the module comes ready-made, as they refuse to compile bytes; entries live in memory. */
import { createCacheIn } from '../create.js'
import type { Aloft, Ambient } from '../flights.js'
import type { Runtime } from './runtime.js'
import { web } from './web.js'

export function createCacheAtTheEdge(module: WebAssembly.Module, loadDense: () => Promise<{ default: WebAssembly.Module }>): ReturnType<typeof createCacheIn> {
  return createCacheIn({ ...web, name: 'edge', ambient, storageDeadlineMs: 50, compile: async dense => (dense ? (await loadDense()).default : module), defaultStorage: () => undefined })
}

/** Vercel has the class as a global, workerd gives Node's to workers with `nodejs_compat`. */
export const ambient: NonNullable<Runtime['ambient']> = () => {
  const { AsyncLocalStorage, process } = globalThis as Partial<Async> & { process?: { getBuiltinModule?(name: string): Async | undefined } }
  const found = AsyncLocalStorage ?? process?.getBuiltinModule?.('node:async_hooks')?.AsyncLocalStorage
  return found && new found<Aloft>()
}

interface Async {
  AsyncLocalStorage: new <T>() => Ambient<T>
}
