/**
 * Two requests in plain ASCII whose canonical bytes have the same XXH3-128, made in microseconds, and what a cache answers
 * to them. This is why XXH3 is never an identity here (docs/keys.md, "Two digests").
 *
 * How they are made. XXH3 cuts long input into stripes of 64 bytes, a stripe into 8 lanes. Each lane's word, XORed with a word of
 * the secret, is split into halves, and their product is added to the lane's accumulator; the word itself is added to
 * the neighbour's. The secret is public, so in two stripes of one lane the low halves can be chosen equal after the XOR.
 * Now one bit of the high half is set in the first stripe and the same bit is cleared in the second: what one product
 * gains the other loses, and so it is with the sums of the words. All 128 bits of the hash come from the accumulators.
 */
import assert from 'node:assert/strict'
import test from 'node:test'
import { createXXHash128 } from 'hash-wasm'
import { canonicalBytes, keyPrefix } from '../../js/encode.js'
import { bench, countedStorage, entriesIn } from './harness.js'

/** XXH3's default secret (xxhash.h, XXH3_kSecret). */
const secret = Buffer.from(
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
    'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e',
  'hex',
)
const printable = Array.from({ length: 95 }, (_, i) => 0x20 + i)

/** Two texts of `length` bytes that collide wherever they stand at `at` of otherwise equal input, longer than 1,024 bytes. */
function collidingTexts(at: number, length: number): [Buffer, Buffer] {
  for (let lane = 0; lane < 8; lane++) {
    for (let first = 0; first < 15; first++) {
      for (let second = first + 1; second < 16; second++) {
        const places = [first, second].map(stripe => ({ text: 64 * stripe + 8 * lane - at, secret: 8 * stripe + 8 * lane }))
        if (places.some(({ text }) => text < 0 || text + 8 > length)) continue
        const [one, two] = places as [(typeof places)[0], (typeof places)[0]]
        const lows = [0, 1, 2, 3].map(i => {
          const between = secret[one.secret + i]! ^ secret[two.secret + i]!
          return printable.map(a => [a, a ^ between] as const).find(([, b]) => printable.includes(b))
        })
        // The bit that tells 'b' from 'c', in a byte of the high half where both words of the secret have the same.
        const flipped = [4, 5, 6, 7].find(i => ((secret[one.secret + i]! ^ secret[two.secret + i]!) & 1) === 0)
        if (lows.includes(undefined) || flipped === undefined) continue
        const a = Buffer.alloc(length, 'b')
        lows.forEach((pair, i) => {
          a[one.text + i] = pair![0]
          a[two.text + i] = pair![1]
        })
        const b = Buffer.from(a)
        a[two.text + flipped] = b[one.text + flipped] = 0x63
        return [a, b]
      }
    }
  }
  return assert.fail('no two words of the secret will do')
}

function canonical(args: unknown[]): Uint8Array {
  return canonicalBytes(keyPrefix(null, 'ask', null), args)
}

const hasher = await createXXHash128()
const xxh3 = (bytes: Uint8Array): string => hasher.init().update(bytes).digest()

const length = 2000
const requests: [string, (content: Buffer) => unknown][] = [
  ['chat requests in plain ASCII', content => ({ model: 'm', messages: [{ role: 'user', content: content.toString('latin1') }] })],
  ['byte arrays', content => new Uint8Array(content)],
]

for (const [what, requestOf] of requests) {
  const marked = Buffer.alloc(length, '#')
  const [a, b] = collidingTexts(Buffer.from(canonical([requestOf(marked)])).indexOf(marked), length).map(requestOf) as [unknown, unknown]

  test(`Two ${what} differ and have the same XXH3-128`, () => {
    const bytes = [a, b].map(request => canonical([request]))
    assert.notDeepEqual(bytes[0], bytes[1])
    assert.equal(xxh3(bytes[0]!), xxh3(bytes[1]!))
    const other = Uint8Array.from(bytes[0]!)
    other[other.length - 2]! ^= 1
    assert.notEqual(xxh3(other), xxh3(bytes[0]!), 'a careless change shows')
  })

  test(`Two ${what} that collide under XXH3-128 get two answers, from memory and from storage`, async () => {
    const storage = countedStorage()
    let calls = 0
    const answerOf = (request: unknown): string => (request === a ? 'the first' : 'the second')
    const ask = async (request: unknown): Promise<string> => {
      calls++
      return answerOf(request)
    }
    const { cache } = await bench({ storage })
    const asked = cache.wrap(ask)
    for (let round = 0; round < 2; round++) for (const request of [a, b]) assert.equal(await asked(request), answerOf(request))
    assert.equal(calls, 2)
    await cache.settled()
    assert.equal(entriesIn(storage).length, 2)

    const { cache: later, transcript } = await bench({ storage })
    const askedLater = later.wrap(ask)
    for (const request of [b, a]) assert.equal(await askedLater(request), answerOf(request))
    assert.equal(calls, 2, 'both came from storage')
    assert.deepEqual(transcript().filter(line => line.startsWith('hit')), ['hit:storage', 'hit:storage'])
  })
}
