import assert from 'node:assert/strict'
import test from 'node:test'
import { GrowingWriter, headSize, wellFormed } from '../../js/cbor.js'
import { hex } from '../../js/tokens.js'

function written(write: (writer: GrowingWriter) => void): string {
  const writer = new GrowingWriter(1)
  write(writer)
  return hex(writer.take())
}

test('Heads take the shortest form on both sides of each boundary', () => {
  const heads: [number, string][] = [
    [23, '17'], [24, '1818'], [255, '18ff'], [256, '190100'], [65535, '19ffff'], [65536, '1a00010000'], [2 ** 32 - 1, '1affffffff'], [2 ** 32, '1b0000000100000000'], [2 ** 53 - 1, '1b001fffffffffffff'],
  ]
  for (const [n, expected] of heads) {
    assert.equal(written(writer => writer.head(0, n)), expected)
    assert.equal(headSize(n), expected.length / 2)
  }
})

test('Every float takes the shortest form that keeps it, checked against the platform for all halves', () => {
  const view = new DataView(new ArrayBuffer(8))
  for (let half = 0; half < 0x10000; half++) {
    const exponent = (half >> 10) & 31
    const mantissa = half & 0x3ff
    if (exponent === 31 && mantissa !== 0) continue
    const sign = half & 0x8000 ? -1 : 1
    const value = exponent === 31 ? sign * Infinity : sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15))
    assert.equal(written(writer => writer.float(value)), `f9${half.toString(16).padStart(4, '0')}`)
  }
  for (const value of [2 ** -25, 2 ** -24 * 1.5, 65536, 65519.99, 1 + 2 ** -11, 2 ** -14 + 2 ** -25]) {
    view.setFloat32(0, value)
    view.setFloat64(0, value)
    const wide = hex(new Uint8Array(view.buffer))
    const single = new DataView(new ArrayBuffer(4))
    single.setFloat32(0, value)
    assert.equal(written(writer => writer.float(value)), Math.fround(value) === value ? `fa${hex(new Uint8Array(single.buffer))}` : `fb${wide}`, String(value))
  }
})

test('Text of every length near a boundary has the right length before it, ASCII or not', () => {
  for (const unit of ['a', 'é', '水', '𐅑']) {
    for (const count of [0, 1, 5, 6, 7, 8, 11, 12, 22, 23, 24, 25, 63, 64, 85, 86, 127, 128, 254, 255, 256, 21845, 21846, 65535, 65536]) {
      const text = unit.repeat(count)
      const utf8 = Buffer.from(text)
      const head = written(writer => writer.head(3, utf8.length))
      assert.equal(written(writer => writer.text(text)), head + utf8.toString('hex'), `${count} x ${unit}`)
    }
  }
})

test('Lone surrogates are told from pairs', () => {
  for (const text of ['', 'a', 'é', '\ud83d\ude00', '\ufffd']) assert.equal(wellFormed(text), true)
  for (const text of ['\ud83d', '\ude00', '\ude00\ud83d', 'a\ud800b']) assert.equal(wellFormed(text), false)
})
