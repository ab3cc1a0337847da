/** Random numbers and texts, drawn by class, so that the rare classes (halves, subnormals, boundaries of heads) are common. */
import type { Random } from './random.js'

const view = new DataView(new ArrayBuffer(8))
const boundaries = [0, 23, 24, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 63, 2 ** 64]

/** Any number but NaN and the infinities; -0 too. */
export function randomNumber(random: Random): number {
  const sign = random.oneIn(2) ? -1 : 1
  for (;;) {
    const x = numberOf(random)
    if (Number.isFinite(x)) return sign * x
  }
}

function numberOf(random: Random): number {
  switch (random.below(9)) {
    case 0:
    case 1:
      return random.below(30)
    case 2:
      return random.pick(boundaries) + random.below(3) - 1
    case 3:
      return random.below(100_000) / 100
    case 4: // a half
      return ((random.below(1024) + (random.oneIn(2) ? 1024 : 0)) * 2 ** random.below(31)) / 2 ** 24
    case 5: // a single, subnormal one time in four
      view.setUint32(0, random.oneIn(4) ? random.bits() >>> 9 : random.bits())
      return view.getFloat32(0)
    case 6: // a double, subnormal one time in four
      view.setUint32(0, random.oneIn(4) ? random.bits() >>> 12 : random.bits())
      view.setUint32(4, random.bits())
      return view.getFloat64(0)
    case 7: // an integer of any size
      return Math.floor(random.bits() * 2 ** (random.below(80) - 32))
    default:
      return 2 ** (random.below(2098) - 1074)
  }
}

const alphabets = [
  ['a', 'b', 'c'],
  ['a', 'b', '0', '1', '.', '-', '_', ' '],
  ['"', '\\', '\n', '\0', '\x7f', '\t', '/'],
  ['é', 'ü', 'ß', 'e\u0301', '\u00a0', 'a'],
  ['東', '京', '水', '\uffff', '\u2028', '\ufeff', '\ud7ff', '\ue000'],
  ['😀', '𐅑', '\u{10ffff}', '\u{10000}', '👩‍👩‍👧', 'z'],
]
const lengths = [0, 1, 1, 2, 3, 3, 5, 8, 23, 24, 31, 32, 33]

/** Text without lone surrogates. */
export function randomText(random: Random): string {
  if (random.oneIn(12)) return random.pick(['1', '0', 'null', 'undefined', '__proto__', 'toJSON', 'constructor', 'length', 'NaN', '1n'])
  const alphabet = random.pick(alphabets)
  const length = random.oneIn(60) ? random.pick([255, 256, 300]) : random.pick(lengths)
  let text = ''
  for (let i = 0; i < length; i++) text += random.pick(alphabet)
  return text
}
