/**
 * The seal of an entry: XXH3-128 of its bytes, the twin of src/seal.h.
 *
 * An entry has 80 bytes at least, and what XXH3 has for up to 64 is left out. Up to 240 bytes this is BigInts, as near to the
 * specification as can be; beyond, where the time goes, it is numbers of 32 bits, of which two are one of 64.
 */

/** The shortest input that this is right for. */
export const leastSealed = 65

const secretHex =
  'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c' +
  '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364' +
  'eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e'
const secret = new DataView(Uint8Array.from({ length: 192 }, (_, i) => parseInt(secretHex.slice(2 * i, 2 * i + 2), 16)).buffer)

const prime32 = 0x9e3779b1
const prime1 = 0x9e3779b185ebca87n
const prime2 = 0xc2b2ae3d27d4eb4fn
const prime4 = 0x85ebca77c2b2ae63n
const accumulators = [0xc2b2ae3dn, prime1, prime2, 0x165667b19e3779f9n, prime4, 0x85ebca77n, 0x27d4eb2f165667c5n, 0x9e3779b1n]

const stripe = 64
const stripesPerBlock = 16

const low64 = (x: bigint): bigint => BigInt.asUintN(64, x)
const word = (bytes: DataView, at: number): bigint => bytes.getBigUint64(at, true)

/** The 16 bytes of the seal: the low half first. */
export function seal(bytes: Uint8Array): Uint8Array {
  const { length } = bytes
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  const [low, high] = length > 240 ? long(view) : short(view)
  const out = new DataView(new ArrayBuffer(16))
  out.setBigUint64(0, low, true)
  out.setBigUint64(8, high, true)
  return new Uint8Array(out.buffer)
}

function avalanche(x: bigint): bigint {
  x = low64((x ^ (x >> 37n)) * 0x165667919e3779f9n)
  return x ^ (x >> 32n)
}

/** Both halves of the product, one over the other. */
function fold(a: bigint, b: bigint): bigint {
  const product = a * b
  return low64(product) ^ (product >> 64n)
}

function short(bytes: DataView): [bigint, bigint] {
  const length = bytes.byteLength
  let low = low64(BigInt(length) * prime1)
  let high = 0n
  const mix = (one: number, two: number, key: number): void => {
    const half = (at: number, from: number): bigint => fold(word(bytes, at) ^ word(secret, from), word(bytes, at + 8) ^ word(secret, from + 8))
    low = low64(low + half(one, key)) ^ low64(word(bytes, two) + word(bytes, two + 8))
    high = low64(high + half(two, key + 16)) ^ low64(word(bytes, one) + word(bytes, one + 8))
  }
  if (length <= 128) {
    // From both ends to the middle.
    for (let i = length > 96 ? 3 : 2; i >= 0; i--) mix(16 * i, length - 16 * (i + 1), 32 * i)
  } else {
    for (let i = 0; i < 4; i++) mix(32 * i, 32 * i + 16, 32 * i)
    low = avalanche(low)
    high = avalanche(high)
    for (let i = 4; i < length >> 5; i++) mix(32 * i, 32 * i + 16, 32 * i - 125)
    mix(length - 16, length - 32, 103)
  }
  return [avalanche(low64(low + high)), low64(-avalanche(low64(low * prime1 + high * prime4 + BigInt(length) * prime2)))]
}

function long(bytes: DataView): [bigint, bigint] {
  const length = bytes.byteLength
  const sums = new Uint32Array(new BigUint64Array(accumulators).buffer)
  // The last stripe ends where the input ends, and overlaps the one before; so one byte at least is left to it.
  for (let at = 0, n = 0; at + stripe < length; at += stripe) {
    accumulate(sums, bytes, at, 8 * n)
    if (++n < stripesPerBlock) continue
    n = 0
    scramble(sums)
  }
  accumulate(sums, bytes, length - stripe, 121)
  const lanes = new BigUint64Array(sums.buffer)
  const merge = (key: number, start: bigint): bigint => {
    for (let i = 0; i < 8; i += 2) start += fold(lanes[i]! ^ word(secret, key + 8 * i), lanes[i + 1]! ^ word(secret, key + 8 * i + 8))
    return avalanche(low64(start))
  }
  const size = BigInt(length)
  return [merge(11, size * prime1), merge(117, ~(size * prime2))]
}

/** A stripe into the eight sums. */
function accumulate(sums: Uint32Array, bytes: DataView, from: number, key: number): void {
  for (let i = 0; i < 16; i += 2) {
    const low = bytes.getUint32(from + 4 * i, true)
    const high = bytes.getUint32(from + 4 * i + 4, true)
    add(sums, i ^ 2, low, high)
    const a = low ^ secret.getUint32(key + 4 * i, true)
    const b = high ^ secret.getUint32(key + 4 * i + 4, true)
    add(sums, i, Math.imul(a, b) >>> 0, upper(a, b))
  }
}

function scramble(sums: Uint32Array): void {
  for (let i = 0; i < 16; i += 2) {
    const low = sums[i]! ^ (sums[i + 1]! >>> 15) ^ secret.getUint32(128 + 4 * i, true)
    const high = sums[i + 1]! ^ secret.getUint32(132 + 4 * i, true)
    sums[i] = Math.imul(low, prime32)
    sums[i + 1] = upper(low, prime32) + Math.imul(high, prime32)
  }
}

function add(sums: Uint32Array, i: number, low: number, high: number): void {
  const sum = sums[i]! + low
  sums[i] = sum
  sums[i + 1] = sums[i + 1]! + high + (sum > 0xffff_ffff ? 1 : 0)
}

/** The upper 32 bits of the product of two numbers of 32 bits. No sum here is above 2^53. */
function upper(a: number, b: number): number {
  const [al, ah, bl, bh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16]
  const middle = ah * bl + ((al * bl) >>> 16)
  return ah * bh + (middle >>> 16) + (((middle & 0xffff) + al * bh) >>> 16)
}
