import module from './core.wasm'
import { createCacheAtTheEdge } from './edge.js'

/** Makes a cache. Call it in a handler: random numbers are not to be had while the worker starts. */
export const createCache = createCacheAtTheEdge(module, () => import('./core-dense.wasm'))
export * from '../index.js'
