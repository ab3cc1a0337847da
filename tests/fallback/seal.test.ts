import assert from 'node:assert/strict'
import test from 'node:test'
import { createXXHash128 } from 'hash-wasm'
import { leastSealed, seal } from '../../js/fallback/seal.js'
import { seededRandom } from '../../js/testing/random.js'
import { hex } from '../../js/tokens.js'

const xxhash = await createXXHash128(0, 0)

/** As the seal has it: the low half first, each of them little-endian. hash-wasm gives one number, the high byte first. */
const published = (bytes: Uint8Array): string => hex(xxhash.init().update(bytes).digest('binary').reverse())

test('The published digest of "abc" tells how hash-wasm orders its bytes', () => {
  assert.equal(published(Buffer.from('abc')), hex(Buffer.from('06b05ab6733a618578af5f94892f3950', 'hex').reverse()))
})

test('The seal is XXH3-128 at every length up to 2,200 bytes, all edges of its forms among them', () => {
  const random = seededRandom(1)
  const bytes = Uint8Array.from({ length: 2200 }, () => random() * 256)
  for (let length = leastSealed; length <= bytes.length; length++) assert.equal(hex(seal(bytes.subarray(0, length))), published(bytes.subarray(0, length)), `${length} bytes`)
})

test('The seal is XXH3-128 of random bytes, of all ones and of all zeros, wherever they lie', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seededRandom(seed)
    const from = Math.floor(random() * 9)
    const all = new Uint8Array(from + leastSealed + Math.floor(random() * (seed % 20 === 0 ? 300_000 : 5000)))
    const fill = seed % 3
    all.forEach((_, i) => (all[i] = fill === 0 ? 255 : fill === 1 ? 0 : random() * 256))
    const bytes = all.subarray(from)
    assert.equal(hex(seal(bytes)), published(bytes), `seed ${seed}, ${bytes.length} bytes`)
  }
})
