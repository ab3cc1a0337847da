import module from './core.wasm?module'
import { createCacheAtTheEdge } from './edge.js'

/** Makes a cache. Call it in a handler: random numbers are not to be had while the function starts. */
export const createCache = createCacheAtTheEdge(module, () => import('./core-dense.wasm?module'))
export * from '../index.js'
