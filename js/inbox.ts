/**
 * An outline in wasm memory, on its way to be digested: 64 KiB that never move. What is longer is handed to the core a full
 * inbox at a time, and the inbox begins anew.
 *
 * The texts follow the structure, the joined ones first, in pieces of 64,000 code units. Each piece goes as ASCII if it is
 * that, else as UTF-16 as it lies in memory (the platforms' encoders take 1.6 ns for each byte of UTF-8 that is not ASCII),
 * and a word before it tells which. With what the structure says of their lengths they too can be read back, so no two keys
 * give the core the same bytes.
 */
import { type CoreExports, inboxSize } from './boundary.js'
import { Outline } from './outline.js'
import { putAscii, putUtf16 } from './platform-text.js'

export class Inbox extends Outline {
  /** The core was given a part of this key. */
  private fed = false

  constructor(
    private readonly exports: CoreExports,
    /** Of the inbox in wasm memory. */
    private readonly address: number,
    /** Whether a key can still be read back after finish(). */
    private readonly keeps: boolean,
  ) {
    super(new Uint32Array(0))
  }

  override begin(): void {
    super.begin()
    if (this.fed) {
      this.fed = false
      this.exports.restart()
    }
    // Memory that grew has detached every view; asking a view is much cheaper than asking the memory.
    if (this.words.length === 0) {
      this.words = new Uint32Array(this.exports.memory.buffer, this.address, inboxSize / 4)
      this.bytes = new Uint8Array(this.exports.memory.buffer, this.address, inboxSize)
    }
  }

  /** Puts the texts behind the structure. Returns how many bytes are in the inbox: the last of the key. */
  finish(): number {
    const { texts, long } = this
    let end = 4 * this.at
    if (texts !== '') end = this.put(texts, end)
    for (const text of long) end = this.put(text, end)
    if (!this.keeps) this.texts = ''
    this.fed = false // after the last piece the core begins anew by itself
    return end
  }

  /** The inbox is about to be written over: the structure can be read back all the same. (Where memory has grown there was another verb since, and nobody will.) */
  setAside(): void {
    if (this.keeps && this.at > 0 && this.words.length > 0) this.pieces.push(this.words.slice(0, this.at))
    this.at = 0
  }

  protected override flush(): void {
    this.feed(4 * this.at)
    this.at = 0
  }

  /** A text, from byte `end` of the inbox on. Returns where it ends. */
  private put(text: string, end: number): number {
    for (let from = 0; from < text.length; from += unitsAtOnce) {
      const piece = text.length <= unitsAtOnce ? text : text.slice(from, from + unitsAtOnce)
      for (; (end & 3) !== 0; end++) this.bytes[end] = 0
      if (end + piece.length + 8 > inboxSize) end = this.feed(end)
      const flag = end >> 2
      this.words[flag] = 0
      end = putAscii(this.bytes, piece, 4 * flag + 4)
      if (end >= 0) continue
      this.words[flag] = 1
      end = 4 * flag + 4
      for (let half = 0; half < piece.length; half += unitsAtOnce / 2) {
        const units = piece.slice(half, half + unitsAtOnce / 2)
        if (end + 2 * units.length > inboxSize) end = this.feed(end)
        putUtf16(this.bytes, units, end)
        end += 2 * units.length
      }
    }
    return end
  }

  /** Hands the first bytes of the inbox to the core, and says where to go on. */
  private feed(length: number): 0 {
    this.fed = true
    this.exports.feed(length)
    this.setAside()
    return 0
  }
}

/** Their ASCII fits the inbox, and the UTF-16 of half of them. */
const unitsAtOnce = 64_000
