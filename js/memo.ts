/**
 * Texts that come again and again, with what was made of them: prompts, with their keys.
 *
 * Handing a text to the platform's encoder costs 65 ns and more in Node and 200 in Chromium, however short it is; comparing
 * it with one that was met before costs 10 to 15. A text is remembered when it is met a second time with no other of its
 * slot in between, so that texts which are new each time cost little more than before. What is kept is a copy: a slice would
 * keep alive all it was cut from.
 */
export class Memo<Item> {
  private readonly known: ({ text: string; item: Item } | undefined)[] = new Array<undefined>(slots).fill(undefined)
  private readonly seen = new Int32Array(slots)

  /** What note() was given for this text, if it is remembered. */
  find(text: string): Item | undefined {
    const found = this.known[slotOf(text)]
    return found !== undefined && found.text === text ? found.item : undefined
  }

  /**
   * Something was made of this text just now; it is asked for where that is worth remembering. `fingerprint` are 32 bits of the
   * whole text, so that texts of one template are not taken for one that comes again. (No answer hangs on it: what is
   * remembered is compared in full.)
   */
  note(text: string, fingerprint: number, item: () => Item): void {
    const slot = slotOf(text)
    if (this.seen[slot] === fingerprint) this.known[slot] = { text: copyOf(text), item: item() }
    else this.seen[slot] = fingerprint
  }
}

const slotBits = 9
const slots = 1 << slotBits

/** Shorter texts are written as fast, longer ones rarely come again. */
export const memoLeast = 16
export const memoMost = 256

/** A string of its own. (JSON keeps lone surrogates, which a TextDecoder would not.) */
function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}

/** From the length and four characters: cheap, as every text pays for it. */
function slotOf(text: string): number {
  const { length } = text
  const mixed = Math.imul(length ^ (text.charCodeAt(length >> 1) << 9) ^ (text.charCodeAt(length - 3) << 18), 0x9e3779b1)
  return Math.imul(mixed ^ (text.charCodeAt(length >> 2) << 3) ^ (text.charCodeAt(3) << 12), 0x85ebca6b) >>> (32 - slotBits)
}
