/**
 * Where keys are written to be digested: 64 KiB of wasm memory that never move within it. What is longer is handed to the
 * core a full inbox at a time, and the inbox begins anew.
 *
 * These are the canonical bytes but for one thing. A long text that is not ASCII goes in as it lies in memory, as UTF-16 under a
 * tag of its own: only equality counts here, and the platforms' encoders take 1.6 ns for each byte of UTF-8 that is not
 * ASCII. That is as injective: the tag tells it from all else, and which texts are written so depends on nothing but the key.
 */
import { type CoreExports, inboxSize } from './boundary.js'
import { major, tag, Writer } from './cbor.js'
import { KeyError } from './errors.js'
import { Memo } from './memo.js'

/** Keys that take more bytes are refused. */
export const maxKeyBytes = 64_000_000

export class Inbox extends Writer {
  protected readonly atOnce = inboxSize
  private fed = 0

  constructor(
    private readonly exports: CoreExports,
    /** Of the inbox in wasm memory. */
    private readonly address: number,
  ) {
    super()
    this.memo = new Memo()
  }

  override begin(retry?: boolean): void {
    super.begin(retry)
    if (this.fed > 0) {
      this.fed = 0
      this.exports.restart()
    }
    // Memory that grew has detached every view; asking a view is much cheaper than asking the memory.
    if (this.bytes.length === 0) this.attach(new Uint8Array(this.exports.memory.buffer, this.address, inboxSize))
  }

  protected override exactText(text: string): void {
    this.head(major.tag, tag.utf16)
    this.head(major.bytes, 2 * text.length)
    for (let from = 0; from < text.length; from += unitsAtOnce) {
      this.makeRoom()
      const piece = text.slice(from, from + unitsAtOnce)
      this.putUtf16(piece, 0)
      this.at = 2 * piece.length
    }
  }

  protected makeRoom(): void {
    this.count(this.at)
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

const unitsAtOnce = inboxSize / 2
