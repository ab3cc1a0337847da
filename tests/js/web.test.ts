import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import test from 'node:test'
import { hex } from '../../js/tokens.js'
import { web } from '../../js/runtimes/web.js'

const bytes = new TextEncoder().encode('the canonical bytes')
const secret = new TextEncoder().encode('a secret of 16 bytes or more')

async function digestsAreRight(): Promise<void> {
  assert.equal(hex(await web.digest(undefined)(bytes)), createHash('sha256').update(bytes).digest('hex'))
  assert.equal(hex(await web.digest(secret)(bytes)), createHmac('sha256', secret).update(bytes).digest('hex'))
}

test('WebCrypto gives SHA-256, and HMAC-SHA-256 under a secret', digestsAreRight)

test('A page without WebCrypto (no https) gets the same digests from the library', async t => {
  t.mock.getter(globalThis.crypto, 'subtle', () => undefined)
  assert.equal(crypto.subtle, undefined)
  await digestsAreRight()
})
