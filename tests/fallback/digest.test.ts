import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { type CoreInstance, inboxSize, offset } from '../../js/boundary.js'
import { KeyDigest } from '../../js/fallback/digest.js'
import { fallback } from '../../js/fallback/index.js'
import { instantiate } from '../../js/glue.js'
import { seededRandom } from '../../js/testing/random.js'
import { hex } from '../../js/tokens.js'
import { compileWasm } from '../js/harness.js'

const key = [0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c] as const
const wasm = await instantiate(await compileWasm())
const twin = fallback()
for (const { control } of [wasm, twin]) assert.ok(control.create(2_000_000, 1e6, ...key))

/** The digest of these pieces, by a core: all but the last are fed before, and some bytes of each are words of the outline. */
function digestBy({ exports }: CoreInstance, pieces: readonly Uint8Array[]): string {
  const base = exports.block_address()
  pieces.forEach((piece, i) => {
    const words = Math.min(i * 3, piece.length >> 2)
    new Uint8Array(exports.memory.buffer).set(piece.subarray(0, 4 * words), base + offset.outline)
    new Uint8Array(exports.memory.buffer).set(piece.subarray(4 * words), base + offset.inbox)
    if (i < pieces.length - 1) exports.feed(words, piece.length - 4 * words)
    else exports.digest(words, piece.length - 4 * words)
  })
  return hex(new Uint8Array(exports.memory.buffer, base + offset.key, 16))
}

test("SipHash-1-3-128 gives OpenSSL's answers, which the test of C++ has", () => {
  const source = readFileSync(new URL('../native/digest_test.cpp', import.meta.url), 'utf8')
  const body = /gives the known answers of OpenSSL"\) \{(.*?)\}\)\)/s.exec(source)![1]!
  const known = [...body.matchAll(/\{(\d+), "([0-9a-f]{32})"\}/g)]
  assert.ok(known.length >= 5)
  for (const [, length, digest] of known) {
    const message = new DataView(Uint8Array.from({ length: Number(length) }, (_, i) => i).buffer)
    const out = new Uint32Array(4)
    new KeyDigest(Uint32Array.from(key)).finish(new DataView(new ArrayBuffer(0)), message, out)
    assert.equal(hex(new Uint8Array(out.buffer)), digest, `${length} bytes`)
  }
})

test('Keys of every length up to 1,700 bytes, in one lane and in two, have the digest that the wasm gives them', () => {
  const random = seededRandom(1)
  const bytes = Uint8Array.from({ length: 1700 }, () => random() * 256)
  for (let length = 0; length <= bytes.length; length++) {
    const piece = bytes.subarray(0, length)
    assert.equal(digestBy(twin, [piece]), digestBy(wasm, [piece]), `${length} bytes`)
  }
})

test('How a key is cut does not matter, and each new one begins anew', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = seededRandom(seed)
    const pieces = Array.from({ length: 1 + Math.floor(random() * 5) }, () =>
      Uint8Array.from({ length: Math.floor(random() * (seed % 10 === 0 ? inboxSize + 1 : 40)) }, () => random() * 256),
    )
    const digest = digestBy(wasm, pieces)
    assert.equal(digestBy(twin, pieces), digest, `seed ${seed}, pieces of ${pieces.map(({ length }) => length)} bytes`)
  }
})

test('What was fed and then thrown away is no part of the next key', () => {
  const piece = Uint8Array.from({ length: 2000 }, (_, i) => i)
  const digest = digestBy(twin, [piece, piece])
  twin.exports.feed(3, 123)
  twin.exports.restart()
  assert.equal(digestBy(twin, [piece, piece]), digest)
})
