/**
 * One cache in a process of its own, with or without an AsyncLocalStorage: once one is used, all promises of the process cost more, so
 * that the two cannot be compared in one. Prints one line of JSON. Run by calls.ts: node calls-process.mjs <follows|plain> <rounds>
 */
import { createCacheIn } from '../../js/create.js'
import { createCache } from '../../js/runtimes/node.js'
import { compileInline, web } from '../../js/runtimes/web.js'
import { quick, type Row, timeRow, type Timing } from './harness.js'

export interface Followed {
  readonly hit: Timing
  readonly miss: Timing
}

const [how = 'follows', rounds = '25'] = process.argv.slice(2)

/** Without an AsyncLocalStorage, a cache knows of calls within calls up to a function's first await only. */
const plain = createCacheIn({ ...web, name: 'bench', compile: () => compileInline(() => import('../../build/wasm/core.wasm.js')), defaultStorage: () => undefined })
const cache = await (how === 'follows' ? createCache({ storage: false }) : plain({ storage: false }))
let asked = 0
const ask = cache.wrap(async (key: string) => ({ key }), { name: 'ask' })
await ask('again')
const contestants = [
  { name: 'hit', version: '', fn: () => ask('again') },
  { name: 'miss', version: '', fn: () => ask(`question ${asked++}`) },
]
const row: Row = { id: how, what: '', input: undefined, awaited: true, contestants }
const { timed } = await timeRow(row, { ...quick, rounds: Number(rounds) })
console.log(JSON.stringify({ hit: timed[0]!.timing, miss: timed[1]!.timing } satisfies Followed))
