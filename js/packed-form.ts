/** The numbers that packed values are made of: how they are written by packed.ts, and in memory by packed-short.ts. docs/entry-format.md is the specification. */

/**
 * How the text is written. `ascii`: so are names. `latin1`: the UTF-16 code units, which are all below 0x100. `patched`: their low
 * bytes, with the high ones that are not 0 apart. (Text that is English but for some quotes or emoji stays small, and
 * UTF-8 takes four times as long to read.)
 */
export enum form { ascii = 0, latin1 = 1, patched = 2, utf16 = 3 }

/** The first three bits of an item; the other five are its number, or 31 where that follows as LEB128. `known`, a text that has a number, is only in memory. */
export enum type { text = 0, positive = 1, negative = 2, array = 3, object = 4, simple = 5, doubles = 6, known = 7 }

/** The numbers of type.simple. After `double` come its 8 bytes. */
export enum simple { undefined = 0, null = 1, false = 2, true = 3, double = 4 }

/** Beside the form, in memory only: see packed-short.ts. */
export const short = 8

/** LEB128: seven bits a byte, the low ones first; the highest bit says that more follow. Returns where it ends. */
export function putNumber(bytes: Uint8Array, at: number, n: number): number {
  for (; n > 0x7f; n = Math.floor(n / 128)) bytes[at++] = (n % 128) | 0x80
  bytes[at++] = n
  return at
}

/** A form and three numbers, of which one is at most that of a string's units. */
export const headerRoom = 24

/** What is wrong with bytes that are not a packed value. */
export const tooShort = 'ends too early'
export const unknown = 'holds something that is not known'
