import assert from 'node:assert/strict'
import test from 'node:test'
import { compareBytes, Shapes } from '../../js/shapes.js'

test('Names are sorted by their encoded bytes: shorter first, then byte by byte', () => {
  const shapes = new Shapes()
  assert.deepEqual(shapes.of(['b', 'aa', 'a', '', 'é', 'z']).names, ['', 'a', 'b', 'z', 'aa', 'é'])
  assert.deepEqual(shapes.of(['\u{10000}', '\uffff']).names, ['\uffff', '\u{10000}'], 'by UTF-8, not by UTF-16')
})

test('A shape is remembered by its names in their order', () => {
  const shapes = new Shapes()
  const shape = shapes.of(['a', 'b'])
  assert.equal(shapes.of(['a', 'b']), shape)
  assert.notEqual(shapes.of(['b', 'a']), shape)
  assert.notEqual(shapes.of(['a']), shape)
  assert.equal(shapes.of(['a', 'b']), shape)
  assert.deepEqual(shapes.of([]).names, [])
})

test('Many shapes are forgotten, not hoarded, and stay right', () => {
  const shapes = new Shapes()
  for (let i = 0; i < 50_000; i++) {
    const names = [`k${i}`, `a${i % 7}`]
    assert.deepEqual([...shapes.of(names).names].sort(), [...names].sort())
  }
  const long = Array.from({ length: 1000 }, (_, i) => `name${i}`)
  assert.equal(shapes.of(long).names.length, 1000)
})

test('Bytes compare as memcmp does, the shorter first where one begins the other', () => {
  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
  assert.ok(compareBytes(bytes(1), bytes(2)) < 0)
  assert.ok(compareBytes(bytes(255), bytes(1, 2)) > 0)
  assert.ok(compareBytes(bytes(1), bytes(1, 0)) < 0)
  assert.equal(compareBytes(bytes(), bytes()), 0)
})
