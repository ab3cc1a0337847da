import assert from 'node:assert/strict'
import test from 'node:test'
import { type CoreExports, inboxSize } from '../../js/boundary.js'
import { GrowingWriter, tag } from '../../js/cbor.js'
import { KeyEncoder, keyPrefix } from '../../js/encode.js'
import { Inbox } from '../../js/inbox.js'
import { hex } from '../../js/tokens.js'

const prefix = keyPrefix(null, 'f', null)
const address = 64

/** All bytes that reach the core. What stands for the core here gathers pieces, and throws them away at restart(). */
function reaching(args: readonly unknown[]): Buffer {
  const memory = { buffer: new ArrayBuffer(address + inboxSize) }
  let fed: Buffer[] = []
  const take = (length: number): void => {
    fed.push(Buffer.from(memory.buffer.slice(address, address + length)))
  }
  const exports = { memory, feed: take, restart: () => (fed = []) } as unknown as CoreExports
  const inbox = new Inbox(exports, address)
  new KeyEncoder().write(inbox, prefix, args)
  take(inbox.at)
  return Buffer.concat(fed)
}

function canonical(args: readonly unknown[]): Buffer {
  const writer = new GrowingWriter()
  new KeyEncoder().write(writer, prefix, args)
  return Buffer.from(writer.take())
}

test('What reaches the core, in however many pieces, are the canonical bytes', () => {
  const long = 'base64+/'.repeat(inboxSize / 8)
  const values: unknown[] = [
    'a', { prompt: 'Grüße' }, long, `${long}x`, [long, long.slice(1)], 'é'.repeat(20_000), new Uint8Array(3 * inboxSize).fill(7),
    Array.from({ length: 5000 }, (_, i) => ({ [`name ${i}`]: 'some text that is not so short as all that' })),
  ]
  for (const value of values) assert.ok(reaching([value]).equals(canonical([value])))
})

test('A long text that is not ASCII goes in as UTF-16 under a tag of its own, lone surrogates and all', () => {
  for (const unit of ['é', '水', '😀', '\ud800']) {
    for (const length of [inboxSize / 2 - 1, inboxSize / 2, inboxSize / 2 + 1, 2 * inboxSize + 1]) {
      const text = unit.repeat(length).slice(0, length)
      const head = hex(reaching([text]).subarray(canonical([0]).length - 1)).slice(0, 10)
      assert.equal(head, `da${tag.utf16.toString(16)}`, `${length} times ${JSON.stringify(unit)}`)
      assert.ok(reaching([text]).subarray(-2 * length).equals(Buffer.from(text, 'utf16le')))
    }
  }
})

test('Which texts go in as UTF-16 depends on the key alone: one that only looked like ASCII makes all long ones of its key do so', () => {
  const ascii = 'x'.repeat(inboxSize)
  const hidden = `${'y'.repeat(inboxSize / 2 + 1)}é${'y'.repeat(inboxSize / 2)}`
  assert.ok(reaching([{ ascii, hidden }]).equals(reaching([{ hidden, ascii }])))
  const seen = new Set([[ascii, hidden], [hidden, ascii], [ascii, ascii], [hidden, hidden], [ascii], [hidden]].map(args => hex(reaching(args))))
  assert.equal(seen.size, 6)
})
