/** Node, Deno and Bun: entries in a directory, SHA-256 at once. */
import { createHash, createHmac } from 'node:crypto'
import { createCacheIn } from '../cache.js'
import { fileSystem } from '../storage/file-system.js'
import type { Runtime } from './runtime.js'
import { compileInline, web } from './web.js'

const runtime: Runtime = {
  ...web,
  name: 'node',
  compile: () => compileInline(() => import('#core-wasm')),
  digest: secret => bytes => (secret === undefined ? createHash('sha256') : createHmac('sha256', secret)).update(bytes).digest(),
  defaultStorage: () => fileSystem({ directory: process.env['REPRISE_DIR'] || '.reprise' }),
}

/**
 * Makes a cache. Without `storage`, entries live in the directory `$REPRISE_DIR`, or `.reprise` where the process runs.
 * Rejects with OptionError where an option is wrong.
 */
export const createCache = createCacheIn(runtime)
export { type FileSystemOptions, fileSystem } from '../storage/file-system.js'
export * from '../index.js'
