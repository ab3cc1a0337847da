/**
 * Where keys are written: 64 KiB of wasm memory that never move within it. What is longer is handed to the core a full
 * inbox at a time, to be digested, and the inbox begins anew.
 */
import { type CoreExports, inboxSize, offset, textSize } from './boundary.js'
import { major, tag, Writer } from './cbor.js'
import { KeyError } from './errors.js'
import { Memo } from './memo.js'

/** Keys that take more bytes are refused. */
export const maxKeyBytes = 64_000_000

export class Inbox extends Writer {
  protected readonly atOnce = inboxSize
  private fed = 0
  private pieces: Uint8Array[] = []

  constructor(
    private readonly exports: CoreExports,
    /** Of the inbox in wasm memory. */
    private readonly address: number,
    /** content() will be asked for. */
    private readonly keepPieces: boolean,
  ) {
    super()
    this.memo = new Memo()
  }

  override begin(retry?: boolean): void {
    super.begin(retry)
    if (this.fed > 0) {
      this.fed = 0
      this.pieces = []
      this.exports.restart()
    }
    // Memory that grew has detached every view; asking a view is much cheaper than asking the memory.
    if (this.bytes.length === 0) this.attach(new Uint8Array(this.exports.memory.buffer, this.address, inboxSize))
  }

  /** A copy of the whole key that was written last. */
  content(): Uint8Array {
    const content = new Uint8Array(this.fed + this.at)
    let at = 0
    for (const piece of [...this.pieces, this.bytes.subarray(0, this.at)]) {
      content.set(piece, at)
      at += piece.length
    }
    return content
  }

  /**
   * The platforms' encoders are slow where a text is not ASCII, so the core does it. A text of up to 65,536 code units is
   * transcoded once; a longer one twice, a piece at a time, as its length stands before it.
   */
  protected override exactText(text: string): void {
    this.makeRoom()
    const once = text.length * 3 <= textSize
    let length = 0
    let wellFormed = true
    for (const piece of inUnits(text)) {
      this.putUtf16(piece, 0)
      const end = this.exports.transcode(piece.length, once ? length : 0)
      length = (once ? 0 : length) + (end & ~loneSurrogate)
      if (end & loneSurrogate) wellFormed = false
    }
    if (!wellFormed) this.head(major.tag, tag.wtf8)
    this.head(wellFormed ? major.text : major.bytes, length)
    this.makeRoom()
    if (once) return this.feedText(length)
    for (const piece of inUnits(text)) {
      this.putUtf16(piece, 0)
      this.feedText(this.exports.transcode(piece.length, 0) & ~loneSurrogate)
    }
  }

  private feedText(length: number): void {
    this.count(length)
    if (this.keepPieces) this.pieces.push(new Uint8Array(this.exports.memory.buffer, this.address + offset.text - offset.inbox, length).slice())
    this.exports.feed_text(length)
  }

  protected makeRoom(): void {
    this.count(this.at)
    if (this.keepPieces) this.pieces.push(this.bytes.slice(0, this.at))
    this.exports.feed(this.at)
    this.at = 0
  }

  /** The key is whole. */
  finish(): void {
    if (this.fed > 0) this.count(0)
  }

  private count(length: number): void {
    this.fed += length
    if (this.fed + this.at > maxKeyBytes) {
      throw new KeyError('args', `take more than ${maxKeyBytes / 1e6} MB as a key. Say what identifies the call with the \`key\` option.`)
    }
  }
}

/** What the core's transcode() sets in its answer. */
const loneSurrogate = 1 << 31

/** Pieces of a text that fit the inbox as UTF-16 and cut no surrogate pair. */
function* inUnits(text: string): Generator<string> {
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + inboxSize / 2)
    if (to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to--
    yield text.slice(from, to)
    from = to
  }
}

