import assert from 'node:assert/strict'
import test from 'node:test'
import { type CoreExports, inboxSize } from '../../js/boundary.js'
import { GrowingWriter, major, tag } from '../../js/cbor.js'
import { KeyEncoder, keyPrefix } from '../../js/encode.js'
import { Inbox } from '../../js/inbox.js'
import { Shapes } from '../../js/shapes.js'
import { randomArguments } from '../torture/arguments.js'
import { freshSeed, Random } from '../torture/random.js'

const prefix = keyPrefix('s', 'f', 1)
const address = 64

/** A core that only gathers what reaches it. */
function gathering(): { exports: CoreExports; take(length: number): Buffer } {
  const memory = { buffer: new ArrayBuffer(address + inboxSize) }
  let fed: Buffer[] = []
  const feed = (length: number): void => {
    assert.ok(length <= inboxSize)
    fed.push(Buffer.from(memory.buffer.slice(address, address + length)))
  }
  return {
    exports: { memory, feed, restart: () => (fed = []) } as unknown as CoreExports,
    take(length) {
      feed(length)
      const all = Buffer.concat(fed)
      fed = []
      return all
    },
  }
}

const { exports, take } = gathering()
const inbox = new Inbox(exports, address)
const encoder = new KeyEncoder()
const shapes = (encoder as unknown as { shapes: Shapes }).shapes
const writer = new GrowingWriter()

function inMemory(args: readonly unknown[]): Buffer {
  encoder.write(inbox, prefix, args)
  return take(inbox.finish())
}

function canonical(args: readonly unknown[]): Buffer {
  encoder.write(writer, prefix, args)
  return Buffer.from(writer.take())
}

/** Reads the form in memory back, as a stranger would who has only the numbers of the shapes, and writes it as canonical bytes. */
function readBack(bytes: Buffer): Buffer {
  const out = new GrowingWriter()
  const names = new Map([...(shapes as unknown as { numbers: Map<string, number> }).numbers].map(([text, number]) => [number, JSON.parse(text) as string[]]))
  let at = 0
  const word = (): number => bytes.readUInt32LE((at += 4) - 4)
  const double = (): number => bytes.readDoubleLE((at += 8) - 8)
  const content = (length: number): Buffer => {
    const from = at
    at += (length + 3) & -4
    return bytes.subarray(from, from + length)
  }
  // First what the structure says; texts come behind it.
  const steps: (() => void)[] = []
  const lengths: number[] = []
  const texts: string[] = []
  const text = (length: number): void => {
    const i = lengths.push(length) - 1
    steps.push(() => out.text(texts[i]!))
  }
  const item = (): void => {
    const first = word()
    let [kind, n] = [first & 15, first >>> 4]
    if (kind === 11) [kind, n] = [n, double()]
    switch (kind) {
      case 0: case 1: return void steps.push(() => out.integer(kind === 0 ? n : -1 - n))
      case 2: case 10: {
        const held = content(n)
        return void steps.push(() => (kind === 2 ? out.byteString(held) : out.raw(held)))
      }
      case 3: return text(n)
      case 4:
        steps.push(() => out.head(major.array, n))
        for (let i = 0; i < n; i++) item()
        return
      case 5: // a Map: keys and values are canonical bytes
        steps.push(() => out.head(major.map, n))
        for (let i = 0; i < 2 * n; i++) item()
        return
      case 6:
        if (n === tag.bigPositive || n === tag.bigNegative) {
          const i = lengths.push(word() >>> 4) - 1
          return void steps.push(() => out.bigint((n === tag.bigNegative ? -1n : 1n) * BigInt(`0x${texts[i]!.replace('-', '')}`)))
        }
        steps.push(() => out.head(major.tag, n))
        return item()
      case 7: return void steps.push(() => (n === 0 ? out.float(NaN) : out.simple(n)))
      case 8: {
        const x = double()
        return void steps.push(() => (Number.isSafeInteger(x) ? out.integer(x) : out.float(x)))
      }
      case 9: {
        const count = n === 0 ? word() >>> 4 : names.get(n)!.length
        steps.push(() => out.head(major.map, count))
        const unnumbered = n === 0 ? Array.from({ length: count }, () => lengths.push(word() >>> 4) - 1) : []
        for (let i = 0; i < count; i++) {
          steps.push(() => out.text(n === 0 ? texts[unnumbered[i]!]! : names.get(n)![i]!))
          item()
        }
        return
      }
      default: assert.fail(`an item of type ${kind}`)
    }
  }
  item() // the prefix
  item() // the arguments
  const textOf = (length: number): string => {
    let whole = ''
    for (let from = 0; from < length; from += 64_000) {
      at = (at + 3) & -4
      const units = Math.min(64_000, length - from)
      const wide = word() === 1
      whole += bytes.toString(wide ? 'utf16le' : 'latin1', at, (at += wide ? 2 * units : units))
    }
    return whole
  }
  const joined = textOf(lengths.filter(length => length < 4096).reduce((a, b) => a + b, 0))
  let next = 0
  for (const length of lengths) texts.push(length < 4096 ? joined.slice(next, (next += length)) : textOf(length))
  assert.equal(at, bytes.length, 'nothing is left over')
  for (const step of steps) step()
  return Buffer.from(out.take())
}

test('The canonical bytes can be made of what reaches the core, so two keys that differ differ there', () => {
  const long = 'base64+/'.repeat(inboxSize / 8)
  const signal = new AbortController().signal
  const values: unknown[] = [
    'a', 0, -0, -1, 1.5, NaN, 2 ** 28 - 1, 2 ** 28, -(2 ** 28), -(2 ** 28) - 1, 2 ** 53 - 1, 2 ** 60, 1n, -1n, 0n, 2n ** 80n, -(2n ** 80n), null, undefined, true, [,], {}, { a: { a: 1 } },
    { prompt: 'Grüße', signal, n: 1 }, long, `${long}x`, [long, long.slice(1)], 'é'.repeat(20_000), 'é'.repeat(4095), 'é'.repeat(4096), '\ud800', ['\ud83d', '\ude00'], '水'.repeat(70_000),
    new Uint8Array(3 * inboxSize).fill(7), new Uint8Array(5), new Date(5), new Map<unknown, unknown>([[{ b: 1 }, 'é'], [2, new Set([1, 'x'])]]), /a/g, new URL('http://a/'), new Error('no', { cause: 1 }),
    Array.from({ length: 5000 }, (_, i) => ({ [`name ${i}`]: 'some text that is not so short as all that' })),
    Array.from({ length: 20_000 }, (_, i) => i / 3), Array.from({ length: 40_000 }, (_, i) => i), 'x'.repeat(63_999), ['x'.repeat(31_999), 'y', 'z'.repeat(32_001), 'é'.repeat(64_000), 'x'.repeat(64_001)], { [`${'n'.repeat(5000)}`]: 1 },
  ]
  for (const value of values) assert.ok(readBack(inMemory([value])).equals(canonical([value])))
})

test('That is so for random arguments', () => {
  const seed = freshSeed()
  for (let i = 0; i < 3000; i++) {
    const args = randomArguments(new Random(seed, i))
    let expected: Buffer
    try {
      expected = canonical(args)
    } catch {
      continue
    }
    assert.ok(readBack(inMemory(args)).equals(expected), `arguments ${i} of seed ${seed}`)
  }
})

test('Structures and texts of every length around an inbox and around a piece come through', () => {
  for (const words of [0, 1, 300, 16_374, 16_375, 16_376, 16_377, 16_378, 16_379, 16_380, 16_381]) {
    for (const text of ['', 'a', 'é', 'a'.repeat(31_999), 'é'.repeat(32_000), 'a'.repeat(32_001), 'é'.repeat(64_001), `${'a'.repeat(40_000)}é`]) {
      const args = [...new Array<number>(words).fill(1), text, 'a short one']
      assert.ok(readBack(inMemory(args)).equals(canonical(args)), `${words} words, ${text.length} code units`)
    }
  }
})

test('The order of names makes no difference, nor what was written before', () => {
  const fresh = inMemory([{ a: 'é', b: ['x'.repeat(5000), 1] }])
  inMemory([['z'.repeat(100_000), { c: 1 }]])
  assert.ok(inMemory([{ b: ['x'.repeat(5000), 1], a: 'é' }]).equals(fresh))
})

test('A key that was refused leaves nothing behind', () => {
  const before = inMemory(['a', { b: 'text' }])
  assert.throws(() => inMemory(['x'.repeat(100_000), new Array(20_000).fill('y'), { f: () => 1 }]), /args\[2\]\.f/)
  assert.ok(inMemory(['a', { b: 'text' }]).equals(before))
})

test('More than 64 MB are refused, in one text, in many, or in structure', () => {
  const half = 'x'.repeat(32_000_001)
  for (const value of [half + half, [half, half], new Array(16_100_000).fill(1)]) assert.throws(() => inMemory([value]), /take more than 64 MB/)
})
