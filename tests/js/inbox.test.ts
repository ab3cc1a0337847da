import assert from 'node:assert/strict'
import test from 'node:test'
import { type CoreExports, inboxSize, outlineSize } from '../../js/boundary.js'
import { canonicalBytes, KeyEncoder, keyPrefix } from '../../js/encode.js'
import { Inbox, longText } from '../../js/inbox.js'
import { Outline, type } from '../../js/outline.js'
import { randomArguments } from '../torture/arguments.js'
import { freshSeed, Random } from '../torture/random.js'

const prefix = keyPrefix('s', 'f', 1)
const outlineAt = 64
const inboxAt = outlineAt + outlineSize

/** A core that only gathers what reaches it. */
const memory = { buffer: new ArrayBuffer(inboxAt + inboxSize) }
let fed: Buffer[] = []
const feed = (words: number, length: number): void => {
  assert.ok(4 * words <= outlineSize && length <= inboxSize)
  fed.push(Buffer.from(memory.buffer.slice(outlineAt, outlineAt + 4 * words)), Buffer.from(memory.buffer.slice(inboxAt, inboxAt + length)))
}
const inbox = new Inbox({ memory, feed, restart: () => (fed = []) } as unknown as CoreExports, outlineAt, inboxAt, true)
const encoder = new KeyEncoder()

/** All that reaches the core of a key. */
function reaching(args: readonly unknown[]): Buffer {
  encoder.write(inbox, prefix, args)
  const length = inbox.finish()
  feed(inbox.wordsLeft, length)
  const all = Buffer.concat(fed)
  fed = []
  return all
}

/** Reads back what reached the core, as a stranger would: the structure, then the texts whose lengths it tells. */
function readBack(bytes: Buffer): Outline {
  const outline = new Outline()
  const lengths: number[] = []
  let at = 0
  const word = (): number => bytes.readUInt32LE((at += 4) - 4)
  let items = 2 // the prefix and the arguments
  for (; items > 0; items--) {
    const first = word()
    let [kind, n] = [first & 15, first >>> 4]
    if (kind === type.large) [kind, n] = [n, bytes.readDoubleLE((at += 8) - 8)]
    if (kind === type.array) items += n
    else if (kind === type.map) items += 2 * n
    else if (kind === type.tag) items++
    else if (kind === type.text) lengths.push(n)
    else if (kind === type.float) at += 8
    else if (kind === type.bytes || kind === type.canonical) at += (n + 3) & -4
    else if (kind === type.object && n > 0) items += namesOf(n)
    else if (kind === type.object) {
      const count = word() >>> 4
      for (let i = 0; i < count; i++) lengths.push(word() >>> 4)
      items += count
    } else assert.ok(kind === type.unsigned || kind === type.negative || kind === type.simple, `type ${kind}`)
  }
  outline.words = new Uint32Array(new Uint8Array(bytes.subarray(0, at)).buffer)
  outline.at = at / 4
  // Content was cut as the area cuts it.
  outline.bytes = new Uint8Array(outlineSize)
  const textOf = (length: number): string => {
    let text = ''
    for (let from = 0; from < length; from += 64_000) {
      const units = Math.min(64_000, length - from)
      const wide = bytes[at++] === 1
      text += bytes.toString(wide ? 'utf16le' : 'latin1', at, (at += wide ? 2 * units : units))
    }
    return text
  }
  const joined = textOf(lengths.filter(length => length < longText).reduce((a, b) => a + b, 0))
  const long = lengths.filter(length => length >= longText).map(textOf)
  let from = 0
  outline.texts = lengths.map(length => (length < longText ? joined.slice(from, (from += length)) : long.shift()!))
  assert.equal(at, bytes.length, 'nothing is left over')
  return outline
}

const { shapes } = encoder as unknown as { shapes: { numbered(number: number): { names: readonly string[] } } }
const namesOf = (number: number): number => shapes.numbered(number).names.length

/** The canonical bytes can be made of what reaches the core; so keys that differ differ there. */
function check(args: readonly unknown[], what: string): void {
  const expected = Buffer.from(canonicalBytes(prefix, args))
  const bytes = reaching(args)
  assert.ok(expected.equals(encoder.canonicalBytes(inbox)), `${what}: read from the inbox`)
  assert.ok(expected.equals(encoder.canonicalBytes(readBack(bytes))), `${what}: read from what reached the core`)
}

test('The canonical bytes can be made of what reaches the core, so two keys that differ differ there', () => {
  const long = 'base64+/'.repeat(inboxSize / 8)
  const { signal } = new AbortController()
  const values: unknown[] = [
    'a', 0, -0, -1, 1.5, NaN, 2 ** 28 - 1, 2 ** 28, -(2 ** 28), -(2 ** 28) - 1, 2 ** 53 - 1, 2 ** 60, 1n, -1n, 0n, 2n ** 80n, -(2n ** 80n), null, undefined, true, [,], {}, { a: { a: 1 } },
    { prompt: 'Grüße', signal, n: 1 }, long, `${long}x`, [long, long.slice(1)], 'é'.repeat(20_000), 'é'.repeat(4095), 'é'.repeat(4096), '\ud800', ['\ud83d', '\ude00'], '水'.repeat(70_000),
    new Uint8Array(3 * inboxSize).fill(7), new Uint8Array(5), new Date(5), new Map<unknown, unknown>([[{ b: 1 }, 'é'], [2, new Set([1, 'x', new Map([[{ c: 'y' }, new Set(['z'])]])])]]), /a/g, new URL('http://a/'), new Error('no', { cause: 1 }),
    Array.from({ length: 5000 }, (_, i) => ({ [`name ${i}`]: 'some text that is not so short as all that' })),
    Array.from({ length: 20_000 }, (_, i) => i / 3), Array.from({ length: 40_000 }, (_, i) => i), 'x'.repeat(63_999), ['x'.repeat(64_000), 'y', 'z'.repeat(64_001), 'é'.repeat(64_000)], { ['n'.repeat(5000)]: 1 },
    new Set(['x'.repeat(5000), 'y'.repeat(100_000), new Uint8Array(1000)]),
  ]
  for (const [i, value] of values.entries()) check([value], `value ${i}`)
})

test('That is so for random arguments', () => {
  const seed = freshSeed()
  for (let i = 0; i < 3000; i++) {
    const args = randomArguments(new Random(seed, i))
    try {
      canonicalBytes(prefix, args)
    } catch {
      continue
    }
    check(args, `arguments ${i} of seed ${seed}`)
  }
})

test('Structures and texts of every length around an inbox and around a piece come through', () => {
  for (const words of [0, 1, 300, 4084, 4085, 4086, 4087, 4088, 4089, 4090, 4091, 4092, 8181, 8182, 8183, 16_381]) {
    for (const text of ['', 'a', 'é', 'a'.repeat(31_999), 'é'.repeat(32_000), 'a'.repeat(64_001), 'é'.repeat(64_001), `${'a'.repeat(40_000)}é`]) {
      check([...new Array<number>(words).fill(1), text, 'a short one'], `${words} words, ${text.length} code units`)
    }
  }
})

test('The order of names makes no difference, nor what was written before', () => {
  const fresh = reaching([{ a: 'é', b: ['x'.repeat(5000), 1] }])
  reaching([['z'.repeat(100_000), { c: 1 }]])
  assert.ok(reaching([{ b: ['x'.repeat(5000), 1], a: 'é' }]).equals(fresh))
})

test('A key that was refused leaves nothing behind', () => {
  const before = reaching(['a', { b: 'text' }])
  assert.throws(() => reaching(['x'.repeat(100_000), new Array(20_000).fill('y'), { f: () => 1 }]), /args\[2\]\.f/)
  assert.ok(reaching(['a', { b: 'text' }]).equals(before))
})

test('More than 64 MB are refused, in one text, in many, or in structure', () => {
  const half = 'x'.repeat(32_000_001)
  for (const value of [half + half, [half, half], new Array(16_100_000).fill(1)]) assert.throws(() => reaching([value]), /take more than 64 MB/)
})

test('Arguments are read once: both digests are about what was read', () => {
  let reads = 0
  const args = [{ get n() { return ++reads } }, { toJSON: () => ++reads }, new (class { toJSON(): unknown { return ++reads } })()]
  encoder.write(inbox, prefix, args)
  inbox.finish()
  const once = reads
  encoder.canonicalBytes(inbox)
  assert.equal(reads, once)
  assert.equal(once, 3)
})
