import assert from 'node:assert/strict'
import test from 'node:test'
import { diagnostic } from '../../js/cli/diagnostic.js'
import { canonicalBytes } from '../../js/encode.js'

const shown = (hex: string): string => diagnostic(Uint8Array.from(Buffer.from(hex, 'hex')))

test('Items read as in RFC 8949, appendix A', () => {
  const examples: [string, string][] = [
    ['00', '0'], ['1818', '24'], ['1a000f4240', '1000000'], ['1bffffffffffffffff', '18446744073709551615'], ['3bffffffffffffffff', '-18446744073709551616'], ['3903e7', '-1000'],
    ['f90000', '0.0'], ['f98000', '-0.0'], ['f93c00', '1.0'], ['fb3ff199999999999a', '1.1'], ['f97bff', '65504.0'], ['fa47c35000', '100000.0'], ['fa7f7fffff', '3.4028234663852886e+38'], ['fb7e37e43c8800759c', '1.0e+300'],
    ['f90001', '5.960464477539063e-8'], ['f90400', '0.00006103515625'], ['fbc010666666666666', '-4.1'], ['f97c00', 'Infinity'], ['f97e00', 'NaN'], ['f9fc00', '-Infinity'],
    ['f4', 'false'], ['f5', 'true'], ['f6', 'null'], ['f7', 'undefined'], ['f0', 'simple(16)'], ['c249010000000000000000', "2(h'010000000000000000')"], ['d818456449455446', "24(h'6449455446')"],
    ['40', "h''"], ['4401020304', "h'01020304'"], ['60', '""'], ['62225c', '"\\"\\\\"'], ['62c3bc', '"ü"'], ['64f0908591', '"𐅑"'],
    ['80', '[]'], ['8301820203820405', '[1, [2, 3], [4, 5]]'], ['a0', '{}'], ['a26161016162820203', '{"a": 1, "b": [2, 3]}'],
  ]
  for (const [hex, notation] of examples) assert.equal(shown(hex), notation, hex)
})

test('Every type that a key can hold reads as its tag', () => {
  const read = (value: unknown): string => {
    return diagnostic(canonicalBytes(Uint8Array.of(), [value])).slice(1, -1)
  }
  assert.equal(read(new Set([2, 1])), '258([1, 2])')
  assert.equal(read(new Map<unknown, unknown>([['b', 1], [1, new Map()]])), '259({1: 259({}), "b": 1})')
  assert.equal(read(300n), "2(h'012c')")
  assert.equal(read([1, , undefined]), '[1, 1380995632(null), undefined]')
  assert.equal(read(Uint8Array.of(0, 255)), "64(h'00ff')")
  assert.equal(read('a\ud800'), "273(h'61eda080')")
  assert.equal(read(/a/g), '1380995634(["a", "g"])')
  assert.equal(read(new Date(1.6e12)), '1380995633(1600000000000)')
})

test('What a reader could not see is escaped', () => {
  assert.equal(shown('63000a7f'), '"\\u0000\\n\\u007f"')
  assert.equal(shown('66c2a0e2808b61'), '"\\u00a0\\u200ba"')
  assert.equal(shown('63efbbbf'), '"\\ufeff"', 'a byte order mark is text like any other')
})
