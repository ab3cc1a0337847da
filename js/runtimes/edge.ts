/** Edge isolates: the module comes ready-made, as they refuse to compile bytes; entries live in memory. */
import { createCacheIn } from '../create.js'
import { web } from './web.js'

export function createCacheAtTheEdge(module: WebAssembly.Module, loadDense: () => Promise<{ default: WebAssembly.Module }>): ReturnType<typeof createCacheIn> {
  return createCacheIn({ ...web, name: 'edge', storageDeadlineMs: 50, compile: async dense => (dense ? (await loadDense()).default : module), defaultStorage: () => undefined })
}
