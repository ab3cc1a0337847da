import assert from 'node:assert/strict'
import test from 'node:test'
import { decodePacked } from '../../js/packed.js'
import { lengthen, shorten } from '../../js/packed-short.js'
import { encodeValue } from '../../js/value.js'

test('In memory names are a number from their second time on, and the value is the same', () => {
  const target = new Uint8Array(100_000)
  const packed = (value: unknown): Uint8Array => encodeValue(value).bytes
  const values = [{ shortA: 1, shortB: 'text' }, { shortA: 'é', list: [{ x: 1 }, { x: 2 }] }, { shortA: '水水', b: 1 }, { shortA: `${'x'.repeat(50)}“`, c: null }]
  for (const value of values) {
    assert.equal(shorten(packed(value), target, 5), 0, 'met for the first time')
    const size = shorten(packed(value), target, 5)
    assert.ok(size > 0 && size < packed(value).length)
    assert.deepEqual(decodePacked(target, 5, 5 + size, true), value)
    assert.deepEqual(lengthen(target.slice(5, 5 + size)), packed(value))
    assert.throws(() => decodePacked(target, 5, 5 + size), /payload/, 'out of storage it means nothing')
  }
  assert.equal(shorten(packed([1, 'no names']), target, 0), 0)
})

test('Names that are new each time get no number', () => {
  const target = new Uint8Array(1000)
  for (let i = 0; i < 2000; i++) assert.equal(shorten(encodeValue({ [`once ${i}`]: 1 }).bytes, target, 0), 0)
})

test('A text that is the same each time has a number in memory, and is written out for storage', () => {
  const target = new Uint8Array(100_000)
  const reply = (i: number, model: string): object => ({ kind: 'chat.completion', id: `id-${i}`, model, say: [{ role: 'assistant', text: `${'what differs '.repeat(i % 5)}${i}`, at: 0.5 + i, odd: i % 3 ? 'é' : null }], long: 'm'.repeat(40), vector: [0.5, i, 1.5, 2.5] })
  const sizes: number[] = []
  for (let i = 0; i < 60; i++) {
    const value = reply(i, i < 40 ? 'some-model-1' : 'some-model-2')
    const { bytes } = encodeValue(value)
    const size = shorten(bytes, target, 7)
    if (size === 0) continue
    sizes.push(bytes.length - size)
    target.set([1, 2, 3], 7 + size)
    assert.deepEqual(decodePacked(target, 7, 7 + size, true), value)
    assert.deepEqual(lengthen(target.slice(7, 7 + size + 3)), new Uint8Array([...bytes, 1, 2, 3]), 'with what lies behind it')
  }
  const names = sizes[0]!
  const all = ['chat.completion', 'some-model-1', 'assistant', 'm'.repeat(40)].join('').length
  assert.equal(sizes[20], names + all + 1, 'a long text had its length in two bytes')
  assert.equal(sizes[40], sizes[20]! - 12, 'a new model has no number at first')
  assert.equal(sizes.at(-1), sizes[20])
})

test('Texts that change each time, long ones, and too many of them get no number', () => {
  const target = new Uint8Array(100_000)
  const saved = (value: object): number => encodeValue(value).bytes.length - shorten(encodeValue(value).bytes, target, 0)
  const changing = Array.from({ length: 100 }, (_, i) => saved({ changing: `text ${String(i).padStart(3, '0')}` }))
  assert.deepEqual(new Set(changing.slice(1)).size, 1)
  const settled = Array.from({ length: 100 }, () => saved({ changing: 'text 100' }))
  assert.equal(settled.at(-1), changing.at(-1), 'and where they did for long they are not looked at any more')
  const long = Array.from({ length: 20 }, () => saved({ longText: 'x'.repeat(65) }))
  assert.equal(long[19], long[1])
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 6; i++) {
      const value = { many: Array.from({ length: 40 }, (_, nth) => `text ${round} ${nth}`) }
      const size = shorten(encodeValue(value).bytes, target, 0)
      if (size > 0) assert.deepEqual(decodePacked(target, 0, size, true), value)
    }
  }
})

test('What is damaged in memory is refused, or another value', () => {
  const target = new Uint8Array(1000)
  let size = 0
  for (let i = 0; i < 8; i++) size = shorten(encodeValue({ damaged: 'always the same', n: i }).bytes, target, 0)
  for (let bit = 0; bit < 8 * size; bit++) {
    const bytes = target.slice(0, size)
    bytes[bit >> 3]! ^= 1 << (bit & 7)
    for (const read of [() => decodePacked(bytes, 0, size, true), () => lengthen(bytes)]) {
      try {
        read()
      } catch (error) {
        assert.equal((error as Error).name, 'ValueError')
      }
    }
  }
})
