import assert from 'node:assert/strict'
import test from 'node:test'
import * as withBuffer from '../../js/storage/base64.js'

const { Buffer } = globalThis
delete (globalThis as { Buffer?: unknown }).Buffer
const other: string = '../../js/storage/base64.js?without-buffer'
const withoutBuffer = (await import(other)) as typeof withBuffer
globalThis.Buffer = Buffer

for (const [name, { toBase64, fromBase64 }] of Object.entries({ 'With Buffer': withBuffer, 'Without Buffer': withoutBuffer })) {
  test(`${name}, bytes come back out of base64, of any length, and as bytes of their own`, () => {
    for (const length of [0, 1, 2, 3, 255, 0x2000, 0x2001, 100_000]) {
      const bytes = Uint8Array.from({ length: length + 2 }, (_, i) => i * 7).subarray(1, length + 1)
      const text = toBase64(bytes)
      assert.equal(text, Buffer.from(bytes).toString('base64'))
      const back = fromBase64(text)
      assert.deepEqual(back, bytes.slice())
      assert.equal(Object.getPrototypeOf(back), Uint8Array.prototype)
      assert.equal(back?.buffer.byteLength, length)
    }
  })

  test(`${name}, what is no base64 is undefined`, () => {
    for (const text of ['not base64!', '=', 'a', '💥', 'YQ', 'YQ==YQ==', 'Y-_=']) assert.equal(fromBase64(text), undefined)
  })
}
