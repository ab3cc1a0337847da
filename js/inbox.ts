/**
 * An outline in wasm memory, on its way to be digested: the structure in an area of 16 KiB, the texts in the inbox of 64 KiB.
 * Neither ever moves. What is longer is handed to the core a full area at a time, which then begins anew.
 *
 * The texts are digested after the structure. Those that are not long go first, joined: handing one text to the platform's encoder
 * begins at 50 ns in Node and 200 in Chromium, however short it is. All go in pieces of 64,000 code units, each as ASCII if it is
 * that, else as UTF-16 as it lies in memory (the platforms' encoders take 1.6 ns for each byte of UTF-8 that is not ASCII),
 * and a byte before it tells which. With what the structure says of their lengths they too can be read back, so no two keys
 * give the core the same bytes.
 */
import { type CoreExports, inboxSize, outlineSize } from './boundary.js'
import { Outline } from './outline.js'
import { putAscii, putUtf16 } from './platform-text.js'

export class Inbox extends Outline {
  /** The core was given a part of this key. */
  private fed = false
  /** How many words the core still has to be given, before the inbox. */
  wordsLeft = 0
  private inbox: Uint8Array
  /** Where the first text goes, after its byte: to begin there needs no view of its own. */
  private first: Uint8Array

  constructor(
    private readonly exports: CoreExports,
    /** Of the structure's area and of the inbox in wasm memory. */
    private readonly outlineAt: number,
    private readonly inboxAt: number,
    /** Whether a key can still be read back after finish(). */
    private readonly keeps: boolean,
  ) {
    super(new Uint32Array(0))
    this.inbox = this.first = this.bytes
  }

  override begin(prefix: Uint8Array): void {
    if (this.fed) {
      this.fed = false
      this.exports.restart()
    }
    // Memory that grew has detached every view; asking a view is much cheaper than asking the memory.
    if (this.words.length === 0) {
      const { buffer } = this.exports.memory
      this.words = new Uint32Array(buffer, this.outlineAt, outlineSize / 4)
      this.bytes = new Uint8Array(buffer, this.outlineAt, outlineSize)
      this.inbox = new Uint8Array(buffer, this.inboxAt, inboxSize)
      this.first = this.inbox.subarray(1)
    }
    super.begin(prefix)
  }

  /** Nothing of this key was given to the core yet: `words` has all of its structure. */
  get isWhole(): boolean {
    return !this.fed
  }

  /** Puts the texts into the inbox. Returns how many bytes they take there: with `wordsLeft`, the last part of the key. */
  finish(): number {
    const { texts, count } = this
    this.wordsLeft = this.at
    let joined = ''
    let long = 0
    for (let i = 0; i < count; i++) {
      const text = texts[i]!
      if (text.length < longText) joined += text
      else long++
    }
    let end = this.put(joined, 0)
    for (let i = 0; long > 0; i++) {
      if (texts[i]!.length < longText) continue
      end = this.put(texts[i]!, end)
      long--
    }
    this.fed = false // after the last part the core begins anew by itself
    return end
  }

  /** The key is what it was written for: a text that is not read back, however long, is not held until the next one. */
  release(): void {
    if (!this.keeps) this.dropTexts()
  }

  protected override flush(): void {
    this.wordsLeft = this.at
    this.feed(0)
    if (this.keeps) super.flush()
    this.at = 0
  }

  /** A text, from byte `end` of the inbox on. Returns where it ends. */
  private put(text: string, end: number): number {
    for (let from = 0; from < text.length; from += unitsAtOnce) {
      const piece = text.length <= unitsAtOnce ? text : text.slice(from, from + unitsAtOnce)
      if (end + piece.length + 5 > inboxSize) end = this.feed(end)
      const flag = end++
      this.inbox[flag] = 0
      if (flag === 0 ? putAscii(this.first, piece, 0) >= 0 : putAscii(this.inbox, piece, end) >= 0) {
        end += piece.length
        continue
      }
      this.inbox[flag] = 1
      for (let half = 0; half < piece.length; half += unitsAtOnce / 2) {
        const units = piece.slice(half, half + unitsAtOnce / 2)
        if (end + 2 * units.length > inboxSize) end = this.feed(end)
        putUtf16(this.inbox, units, end)
        end += 2 * units.length
      }
    }
    return end
  }

  /** Hands what is left of the structure and the first bytes of the inbox to the core, and says where to go on. */
  private feed(length: number): 0 {
    this.fed = true
    this.exports.feed(this.wordsLeft, length)
    this.wordsLeft = 0
    return 0
  }
}

/** From so many code units on, joining texts would cost more than another call. */
export const longText = 4096

/** Their ASCII fits the inbox, and the UTF-16 of half of them. */
const unitsAtOnce = 64_000
