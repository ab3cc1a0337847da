/**
 * Which token each tag has now, and how those that an entry carries stand to them: the twin of src/tokens.h, which says why, and
 * of src/token_sets.h: a list of tokens is held once for all entries that carry it, and judged once after each change.
 */

export type Judgement = 'current' | 'dead' | 'unknown' | 'outdated'

/** These bits of a token are hard; the others are soft. */
const hard = 2n ** 40n - 1n

/** What a tag takes, about. */
export const bytesPerTag = 100

export interface TokenSet {
  readonly id: string
  /** Tag, token, tag, token, … */
  readonly words: BigUint64Array
  references: number
  currentAt: number
}

export class Tokens {
  /** Tags by number, each with how many lists have it. */
  private readonly known = new Map<bigint, { token: bigint; lists: number }>()
  private readonly sets = new Map<string, TokenSet>()
  /** Goes up with every set(). */
  private changes = 0
  /** What tags and sets take, about. */
  bytes = 0

  knows(tag: bigint): boolean {
    return this.known.has(tag)
  }

  set(tag: bigint, token: bigint): void {
    this.changes++
    const known = this.known.get(tag)
    if (known !== undefined) known.token = token
    else {
      this.known.set(tag, { token, lists: 0 })
      this.bytes += bytesPerTag
    }
  }

  /** False, and nothing changed, while a list has it. */
  forget(tag: bigint): boolean {
    const known = this.known.get(tag)
    if (known === undefined) return true
    if (known.lists > 0) return false
    this.known.delete(tag)
    this.bytes -= bytesPerTag
    return true
  }

  judge(words: BigUint64Array): Judgement {
    let said: Judgement = 'current'
    for (let i = 0; i < words.length; i += 2) {
      const token = this.known.get(words[i]!)?.token
      if (token === undefined) said = 'unknown'
      else if (((token ^ words[i + 1]!) & hard) !== 0n) return 'dead'
      else if (token !== words[i + 1] && said === 'current') said = 'outdated'
    }
    return said
  }

  judgeSet(set: TokenSet | undefined): Judgement {
    if (set === undefined || set.currentAt === this.changes) return 'current'
    const said = this.judge(set.words)
    if (said === 'current') set.currentAt = this.changes
    return said
  }

  /** The set of these tokens, with one reference more. */
  refer(words: BigUint64Array): TokenSet | undefined {
    if (words.length === 0) return undefined
    const id = words.join()
    let set = this.sets.get(id)
    if (set === undefined) {
      this.sets.set(id, (set = { id, words: words.slice(), references: 0, currentAt: -1 }))
      this.bytes += sizeOf(set)
      this.count(words, 1)
    }
    set.references++
    return set
  }

  release(set: TokenSet | undefined): void {
    if (set === undefined || --set.references > 0) return
    this.sets.delete(set.id)
    this.bytes -= sizeOf(set)
    this.count(set.words, -1)
  }

  private count(words: BigUint64Array, more: number): void {
    for (let i = 0; i < words.length; i += 2) this.known.get(words[i]!)!.lists += more
  }
}

function sizeOf({ id, words }: TokenSet): number {
  return 400 + id.length + words.byteLength
}
