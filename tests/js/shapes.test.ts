import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compareBytes, Shapes } from '../../js/shapes.js'

test('Names are sorted by their encoded bytes: shorter first, then byte by byte', () => {
  const shapes = new Shapes()
  assert.deepEqual(shapes.shape(['b', 'aa', 'a', '', 'é', 'z']).names, ['', 'a', 'b', 'z', 'aa', 'é'])
  assert.deepEqual(shapes.shape(['\u{10000}', '\uffff']).names, ['\uffff', '\u{10000}'], 'by UTF-8, not by UTF-16')
})

test('A shape is remembered by its names in their order', () => {
  const shapes = new Shapes()
  const shape = shapes.shape(['a', 'b'])
  assert.equal(shapes.shape(['a', 'b']), shape)
  assert.notEqual(shapes.shape(['b', 'a']), shape)
  assert.notEqual(shapes.shape(['a']), shape)
  assert.equal(shapes.shape(['a', 'b']), shape)
  assert.deepEqual(shapes.shape([]).names, [])
})

test('Each set of names has one number for good, whatever their order; beyond the first thousands, and for very long names, it is 0', () => {
  const shapes = new Shapes()
  const first = shapes.shape(['a', 'b']).number
  assert.equal(first, 1)
  assert.equal(shapes.shape(['b', 'a']).number, first)
  assert.equal(shapes.shape(['x'.repeat(5000)]).number, 0)
  const numbers = Array.from({ length: 30_000 }, (_, i) => shapes.shape([`n${i}`]).number)
  assert.equal(new Set(numbers.slice(0, 4095)).size, 4095)
  assert.deepEqual([...new Set(numbers.slice(4095))], [0])
  assert.equal(shapes.shape(['n7']).number, numbers[7], 'also after the trie was begun anew')
  assert.equal(shapes.shape(['n29999']).number, 0)
})

test('Where names are long fewer sets of them have numbers; who has none when it is first met never gets one, and who has one keeps it', () => {
  const shapes = new Shapes()
  const long = (i: number): string[] => [`${i} `.padEnd(2000, 'n')]
  const numbers = Array.from({ length: 2000 }, (_, i) => shapes.shape(long(i)).number)
  const numbered = numbers.indexOf(0)
  assert.ok(numbered > 100 && numbered * 2000 < 300_000, `${numbered} sets`)
  const text = Array.from({ length: 5000 }, (_, i) => shapes.shape([`n${i}`]).number)
  assert.ok(text[0]! > 0 && text.at(-1) === 0, 'short ones have what room is left')
  for (let i = 0; i < 2000; i++) assert.equal(shapes.shape(long(i)).number, numbers[i])
  for (let i = 0; i < 5000; i++) assert.equal(shapes.shape([`n${i}`]).number, text[i])
  for (let i = 0; i < numbered; i++) assert.deepEqual(shapes.numbered(numbers[i]!).names, long(i))
})

test('Objects that are dictionaries leave a few MB, however many there are and whatever their names', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  // Buffers are given back a little later, by another thread.
  const gc = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) {
      collect()
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  for (const [count, length] of [[60, 60], [3, 1000], [1, 5000]] as const) {
    const shapes = new Shapes()
    await gc()
    const before = process.memoryUsage()
    for (let i = 0; i < 5000; i++) shapes.shape(Array.from({ length: count }, (_, k) => `${i} ${k} `.padEnd(length, 'n')))
    await gc()
    const { heapUsed, external } = process.memoryUsage()
    const left = (heapUsed - before.heapUsed + external - before.external) / 1e6
    assert.ok(left < 12, `${left} MB of ${count} names of ${length} characters`)
    assert.equal(shapes.shape(['a']).names.length, 1)
  }
})

test('Many shapes are forgotten, not hoarded, and stay right', () => {
  const shapes = new Shapes()
  for (let i = 0; i < 50_000; i++) {
    const names = [`k${i}`, `a${i % 7}`]
    assert.deepEqual([...shapes.shape(names).names].sort(), [...names].sort())
  }
  const long = Array.from({ length: 1000 }, (_, i) => `name${i}`)
  assert.equal(shapes.shape(long).names.length, 1000)
})

test('Bytes compare as memcmp does, the shorter first where one begins the other', () => {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
  assert.ok(compareBytes(bytes(1), bytes(2)) < 0)
  assert.ok(compareBytes(bytes(255), bytes(1, 2)) > 0)
  assert.ok(compareBytes(bytes(1), bytes(1, 0)) < 0)
  assert.equal(compareBytes(bytes(), bytes()), 0)
})
