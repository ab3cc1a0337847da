/** The key bench in a page: chromium.ts loads the bundle of this file and calls runBench. */
import { type Pace, type Result, type Row, runRows } from './harness.js'
import { inputs } from './inputs.js'
import { jsonStringify, jsonStringifyAside, keyRow, ours, peers } from './key-rows.js'

async function runBench(pace: Pace): Promise<Result[]> {
  const keys: Row[] = []
  const texts: Row[] = []
  for (const input of inputs().filter(({ id }) => ['prompt', 'chat', 'tools'].includes(id))) {
    keys.push(keyRow(`keys-chromium/${input.id}`, input, [await ours(), ...(await peers()), jsonStringifyAside]))
    texts.push(keyRow(`keys-chromium/${input.id}-vs-stringify`, input, [await ours(), jsonStringify]))
  }
  return runRows([...keys, ...texts], pace)
}

Object.assign(globalThis, { runBench })
