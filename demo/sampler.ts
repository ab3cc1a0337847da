// Numbers in [0, 1) for one picture, the same for the same seed on every machine.
//
// A path tracer averages samples, and evenly spread samples average faster than random ones. So the first numbers of a
// path come in pairs from Sobol's (0,2)-sequence, which covers the unit square evenly at every power of two. Each pair
// of each pixel gets its own digits flipped (so that neighbours err differently and the error looks like grain) and its
// own order (so that two pairs of one path know nothing of each other). The later numbers are plain hashes: by then the
// paths have spread by themselves.

const EVEN_PAIRS = 8
const UNIT = 1 / 4294967296

export class Sampler {
  readonly #seed: number
  readonly #samples: number
  readonly #points: Uint32Array
  readonly #orders: Uint16Array
  readonly #flips = new Uint32Array(2 * EVEN_PAIRS)
  readonly #state = new Int32Array(1)
  #sample = 0
  #dimension = 0

  constructor(seed: number, samples = 1) {
    this.#seed = scramble(seed | 0)
    this.#samples = samples
    this.#points = sobolPoints(samples)
    this.#orders = new Uint16Array(EVEN_PAIRS * samples)
  }

  startPixel(pixel: number): void {
    this.#state[0] = scramble(this.#seed ^ scramble(pixel + 1))
    for (let d = 0; d < 2 * EVEN_PAIRS; d++) this.#flips[d] = this.#bits()
    for (let pair = 0; pair < EVEN_PAIRS; pair++) this.#shuffle(pair * this.#samples)
  }

  startSample(sample: number): void {
    this.#sample = sample
    this.#dimension = 0
  }

  next(): number {
    const d = this.#dimension++
    if (d >= 2 * EVEN_PAIRS) return (this.#bits() >>> 0) * UNIT
    const point = this.#orders[(d >> 1) * this.#samples + this.#sample]!
    return ((this.#points[2 * point + (d & 1)]! ^ this.#flips[d]!) >>> 0) * UNIT
  }

  /** Makes the next two numbers one pair: a point that is even in the square, not only in each direction. */
  startPair(): void {
    this.#dimension = (this.#dimension + 1) & ~1
  }

  #shuffle(from: number): void {
    const orders = this.#orders
    for (let i = 0; i < this.#samples; i++) {
      const j = (this.#bits() >>> 0) % (i + 1)
      orders[from + i] = orders[from + j]!
      orders[from + j] = i
    }
  }

  #bits(): number {
    const state = (this.#state[0]! + 0x9e3779b9) | 0
    this.#state[0] = state
    return scramble(state)
  }
}

/** A 32-bit mixing function: every bit of the input moves about half of the output bits (lowbias32). */
export function scramble(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d)
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b)
  return value ^ (value >>> 16)
}

/** The first points of Sobol's sequence: van der Corput's in one direction, its Pascal twin in the other. */
function sobolPoints(count: number): Uint32Array {
  const points = new Uint32Array(2 * count)
  for (let i = 0; i < count; i++) {
    let mirrored = 1 << 31
    let twin = 1 << 31
    for (let rest = i; rest > 0; rest >>>= 1) {
      if (rest & 1) {
        points[2 * i] = points[2 * i]! ^ mirrored
        points[2 * i + 1] = points[2 * i + 1]! ^ twin
      }
      mirrored >>>= 1
      twin ^= twin >>> 1
    }
  }
  return points
}
