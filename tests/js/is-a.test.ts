import assert from 'node:assert/strict'
import test from 'node:test'
import { runInNewContext } from 'node:vm'
import { isA, isBytes } from '../../js/is-a.js'

test('Bytes are bytes from whatever realm they are', () => {
  const foreign: unknown = runInNewContext('new Uint8Array(3)')
  assert.equal(foreign instanceof Uint8Array, false)
  for (const bytes of [foreign, new Uint8Array(3), Buffer.from('abc')]) assert.ok(isBytes(bytes))
  for (const other of [undefined, null, 'abc', [1], new Uint8ClampedArray(1), new Int8Array(1), new ArrayBuffer(1), new DataView(new ArrayBuffer(1))]) assert.equal(isBytes(other), false)
  assert.ok(isA(runInNewContext('new ArrayBuffer(3)'), 'ArrayBuffer'))
})
