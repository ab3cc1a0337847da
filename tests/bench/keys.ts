/**
 * `npm run bench -- keys`: what it costs to tell whether these arguments have been seen before.
 *
 *   keys/chat                one request, against the best key of 128 bits or more that does not depend on the order
 *   keys/prompt-new          requests that come again are remembered; these, and those of keys/chat-new, were not met lately
 *   keys/chat-vs-stringify   the same, against the mere text of the request, which is no key yet
 *   keys/chat-storage        with the digest that storage knows an entry by, against stable text and SHA-256
 *   keys/sip13-1k            SipHash-1-3 alone, natively; keys/sip13-wasm-1k, in WebAssembly
 *   keys-chromium/chat       as keys/chat, in Chromium (--chromium)
 */
import * as crypto from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { runPage } from './chromium.js'
import { timeDigests } from './digests.js'
import { type Row, runRows } from './harness.js'
import { inputs, newInputs } from './inputs.js'
import { jsonStringify, jsonStringifyAside, keyRow, ours, oursForStorage, peers, type Sha256, stableSha256 } from './key-rows.js'
import { main } from './main.js'

/** The fastest way that this Node has: crypto.hash came with 20.12. */
const sha256: Sha256 = 'hash' in crypto ? (data) => crypto.hash('sha256', data, 'hex') : streamedSha256

function streamedSha256(data: string | Uint8Array): string {
  return crypto.createHash('sha256').update(data).digest('hex')
}

async function rows(): Promise<Row[]> {
  const keys: Row[] = []
  const texts: Row[] = []
  const names: Row[] = []
  for (const input of [...inputs(), ...newInputs()]) {
    keys.push(keyRow(`keys/${input.id}`, input, [await ours(), ...(await peers()), stableSha256(sha256), jsonStringifyAside]))
    texts.push(keyRow(`keys/${input.id}-vs-stringify`, input, [await ours(), jsonStringify]))
    names.push(keyRow(`keys/${input.id}-storage`, input, [await oursForStorage(sha256), stableSha256(sha256)]))
  }
  return [...keys, ...texts, ...names]
}

await main(async ({ pace, chromium, progress }) => {
  // First, because it ends at once where there is no Chromium.
  const inPage = chromium ? await runPage(fileURLToPath(new URL('./keys-page.js', import.meta.url)), pace, progress) : []
  const inNode = await runRows(await rows(), pace, progress)
  return [...inNode, ...(await timeDigests(pace, progress)), ...inPage]
})
