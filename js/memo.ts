/**
 * Texts that come again and again, with what was made of them: prompts with their keys; names of models, system prompts
 * and the descriptions in a tools schema with their bytes.
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
    const found = this.known[slotOf(signatureOf(text))]
    return found !== undefined && found.text === text ? found.item : undefined
  }

  /** Something was made of this text just now. It is asked for where that is worth remembering. */
  note(text: string, item: () => Item): void {
    const signature = signatureOf(text)
    const slot = slotOf(signature)
    if (this.seen[slot] === signature) this.known[slot] = { text: copyOf(text), item: item() }
    else this.seen[slot] = signature
  }
}

const slots = 512

/** Shorter texts are written as fast, longer ones rarely come again. */
export const memoLeast = 16
export const memoMost = 256

/** A string of its own. (JSON keeps lone surrogates, which a TextDecoder would not.) */
function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}

/** Of the length and four of the characters; two texts of one signature only take each other's place. */
function signatureOf(text: string): number {
  const { length } = text
  return Math.imul(length, 0x9e3779b1) ^ (text.charCodeAt(length - 1) << 21) ^ (text.charCodeAt(length >> 1) << 14) ^ (text.charCodeAt(length >> 2) << 7) ^ text.charCodeAt(3)
}

function slotOf(signature: number): number {
  return (signature ^ (signature >>> 9) ^ (signature >>> 20)) & (slots - 1)
}
