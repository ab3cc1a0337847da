/**
 * Requests that come again, with their keys.
 *
 * A hit is by its nature a request that was made before, and comparing a request with the one that it was then takes a tenth of
 * handing its texts to the core and digesting them. So requests of moderate size are kept, each in a slot of a table: as an outline
 * has them (outline.ts), or, where all there is is one text, as they are. No answer hangs on how the slot is chosen, as what is kept is
 * compared in full.
 *
 * What is kept are copies: a slice would keep alive all it was cut from. They are interned, by naming a property after each: of such texts an
 * engine has one each, so those that stand in the source are these very ones, and V8 makes whoever has the same text point to it when
 * they ask for the property. To compare such a text again is to compare two addresses; others are read.
 *
 * Where a request meets another one in its slot, the first character in which they differ is one that is looked at from then on:
 * a few such places tell requests apart that one template made, and a digest of all they say would cost what is to be saved.
 * What a request has in common with the one that was kept before it, instructions to a model for instance, is there once for both.
 */
import { beyondLatin1 } from './platform-text.js'
import { compareBytes } from './shapes.js'

/** The first `at` of the words and the first `count` of the texts, and what else has to be the same. */
export interface Request {
  readonly prefix?: Uint8Array | undefined
  readonly words: Uint32Array
  readonly at: number
  readonly texts: readonly string[]
  readonly count: number
}

/**
 * A request in one list, the words with a sign: what a hit reads comes from far away in memory, mostly, and a list comes in one go, where
 * an object of lists would be waited for step by step.
 */
type Kept = [copies: readonly Copy[], prefix: Uint8Array | undefined, at: number, count: number, ...textsAndWords: (string | number)[]]

/** Where the texts begin. */
const head = 4

/** A text of one request or more: who lets go of it last gives its bytes back. */
interface Copy {
  readonly text: string
  readonly bytes: number
  users: number
}

export class RecentKeys {
  private readonly slots: number
  /** The upper bits of a hash are its slot: so many lie below. */
  private readonly lowerBits: number
  private kept: (Kept | undefined)[]
  /**
   * Of each slot, one after the other: the four words of the key; the hash, as what is not asked for need not be looked at; and whether what is
   * there was asked for since the hand came by, which looks for room.
   */
  readonly keys: Int32Array
  /** Who was not let in last, for each slot or, where they are many, for several. */
  private readonly seen: Int32Array
  private hand = 0
  /** What was kept last. */
  private latest: Kept | undefined
  /** In pairs: which text, and which of its characters; -1, and which word. */
  private readonly places: number[] = []
  private left: number
  /** There was no room for the last one that wanted some, and none was given back since. */
  private isFull = false
  /** How often that is still done: each place costs every request something. */
  private lessons = 8
  /** Of the request that was looked for last. Its upper bits are its slot; the slot beside that is its second one. */
  private hash = 0

  /** What all that is kept may take, roughly and rather too much: it is in the budget, and entries cannot have it. */
  readonly reservedBytes: number

  constructor(maxBytes: number) {
    this.reservedBytes = Math.min(Math.floor(maxBytes / 64), 1_000_000)
    // More than there is room for requests: so few of them meet, and have to make way for each other.
    this.lowerBits = Math.clz32(Math.max(this.reservedBytes / 256, 16))
    const slots = (this.slots = 2 ** (32 - this.lowerBits))
    this.kept = emptySlots(slots)
    this.keys = new Int32Array(slotWords * slots)
    this.seen = new Int32Array(Math.min(slots, 1024))
    this.left = this.roomForRequests
  }

  /** Where in `keys` the key begins that such a request was given by note(), if it is kept; else -1. */
  find(request: Request): number {
    if (request.at > mostWords) return -1
    const hash = (this.hash = this.hashOf(request))
    const slot = hash >>> this.lowerBits
    return this.has(slot, hash, request) ? slotWords * slot : this.has(slot ^ 1, hash, request) ? slotWords * (slot ^ 1) : -1
  }

  private has(slot: number, hash: number, request: Request): boolean {
    if (this.keys[slotWords * slot + hashAt] !== hash) return false
    const kept = this.kept[slot]
    if (kept === undefined || !isSame(kept, request)) return false
    this.keys[slotWords * slot + usedAt] = 1
    return true
  }

  /** The key of the request that was looked for just now, and not found: four words of `from`, beginning at `begin`. */
  note(request: Request, from: Uint32Array, begin: number): void {
    const { kept, keys, hash } = this
    const fingerprint = from[begin]! | 0
    const { prefix, words, at, texts, count } = request
    if (at > mostWords) return
    let slot = hash >>> this.lowerBits
    if (kept[slot] !== undefined) {
      if (this.lessons > 0) {
        const alike = keys[slotWords * slot + hashAt] === hash ? kept[slot] : keys[slotWords * (slot ^ 1) + hashAt] === hash ? kept[slot ^ 1] : undefined
        if (alike !== undefined) return this.learn(alike, request)
      }
      slot ^= 1
      if (kept[slot] !== undefined && !this.again(slot, fingerprint)) return
    }
    if (this.isFull && !this.again(slot, fingerprint)) return
    let bytes = bytesOf(at, count)
    for (let i = 0; i < count; i++) if (this.common(i, texts[i]!) === undefined) bytes += bytesPerCopy + texts[i]!.length
    if (bytes > mostBytes) return
    for (let i = 0; i < count; i++) if (this.common(i, texts[i]!) === undefined && beyondLatin1.test(texts[i]!)) bytes += texts[i]!.length
    if (bytes > mostBytes) return
    if (bytes > this.left && (!this.again(slot, fingerprint) || !this.makeRoom(bytes))) {
      this.isFull = true
      return
    }
    const copies = texts.slice(0, count).map((text, i) => this.common(i, text) ?? copyOf(text))
    for (let i = 0; i < count; i++) {
      const copy = copies[i]!
      if (++copy.users === 1) this.left -= copy.bytes
      intern(texts[i]!) // now it is the copy, too
    }
    this.drop(slot)
    this.left -= bytesOf(at, count)
    for (let i = 0; i < 4; i++) keys[slotWords * slot + i] = from[begin + i]!
    keys[slotWords * slot + hashAt] = hash
    keys[slotWords * slot + usedAt] = 1
    const list: Kept = [copies, prefix, at, count]
    for (const { text } of copies) list.push(text)
    for (let i = 0; i < at; i++) list.push(words[i]! | 0)
    kept[slot] = this.latest = list
  }

  /** Was this the last that wanted the slot, or one that counts with it, too? Requests that are new each time, or nearly, push out none that comes again. */
  private again(slot: number, fingerprint: number): boolean {
    const { seen } = this
    const at = slot & (seen.length - 1)
    if (seen[at] === fingerprint) return true
    seen[at] = fingerprint
    return false
  }

  /** The copy that the request kept last has of its text number `i`, if that is this one. */
  private common(i: number, text: string): Copy | undefined {
    const copy = this.latest?.[0][i]
    return copy !== undefined && copy.users > 0 && copy.text === text ? copy : undefined
  }

  /** Lets go of some that were not asked for of late; says whether that is enough. */
  private makeRoom(bytes: number): boolean {
    const { slots } = this
    for (let i = 0; i < slots / 16 && bytes > this.left; i++) {
      this.hand = (this.hand + 1) % slots
      const used = slotWords * this.hand + usedAt
      if (this.keys[used] === 1 || this.kept[this.hand] === this.latest) this.keys[used] = 0
      else this.drop(this.hand)
    }
    return bytes <= this.left
  }

  private drop(slot: number): void {
    const kept = this.kept[slot]
    if (kept === undefined) return
    const [copies, , at, count] = kept
    for (const copy of copies) if (--copy.users === 0) this.left += copy.bytes
    this.left += bytesOf(at, count)
    this.kept[slot] = undefined
    if (kept === this.latest) this.latest = undefined
    this.isFull = false
  }

  private hashOf({ prefix, words, at, texts, count }: Request): number {
    const { places } = this
    let mixed = at
    if (prefix !== undefined) mixed += (prefix.length << 8) + prefix[prefix.length - 2]!
    for (let i = 0; i < count && i < 16; i++) mixed = Math.imul(mixed + texts[i]!.length, 0x9e3779b1)
    for (let i = 0; i < places.length; i += 2) {
      const text = places[i]!
      const place = places[i + 1]!
      if (text < 0) mixed = Math.imul(mixed ^ (place < at ? words[place]! : 0), 0x9e3779b1)
      else if (text < count && place < texts[text]!.length) mixed = Math.imul(mixed ^ texts[text]!.charCodeAt(place), 0x9e3779b1)
    }
    return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b)
  }

  /** Two requests that look alike: where they first differ is looked at from now on. Then all slots are others. */
  private learn(a: Kept, b: Request): void {
    this.lessons--
    const [text, at] = firstDifference(a, b)
    if (at < 0) return // it is the prefix
    this.places.push(text, at)
    this.kept = emptySlots(this.slots)
    this.latest = undefined
    this.isFull = false
    this.left = this.roomForRequests
  }

  /** What is reserved beside the slots. */
  private get roomForRequests(): number {
    return this.reservedBytes - bytesPerSlot * this.slots
  }
}

function firstDifference(a: Kept, b: Request): [text: number, at: number] {
  for (let text = 0; text < a[3] && text < b.count; text++) {
    const [one, two] = [a[head + text] as string, b.texts[text]!]
    if (one === two) continue
    let at = 0
    while (one.charCodeAt(at) === two.charCodeAt(at)) at++
    return [text, at]
  }
  return [-1, a.slice(head + a[3]).findIndex((word, i) => word !== (b.words[i]! | 0))]
}

/** Of each slot in `keys`, after the key: where its hash is, and where it is marked as used. */
const hashAt = 4
const usedAt = 5
const slotWords = 8

const bytesPerSlot = 8 + 4 * slotWords + 4

/** Of one request, beside the copies that it may share. */
const bytesOf = (at: number, count: number): number => 160 + 8 * at + 16 * count
/** Beside its characters. */
const bytesPerCopy = 64
/** Of one request. What is larger is not kept. */
const mostWords = 1024
const mostBytes = 32_768

const emptySlots = (slots: number): undefined[] => new Array<undefined>(slots).fill(undefined)

function isSame(a: Kept, b: Request): boolean {
  const { prefix, words, at, texts, count } = b
  if (a[2] !== at || a[3] !== count || !isSamePrefix(a[1], prefix)) return false
  let next = head
  for (let i = 0; i < count; i++) if (a[next++] !== texts[i]) return false
  for (let i = 0; i < at; i++) if (a[next++] !== (words[i]! | 0)) return false
  return true
}

/** The same bytes, mostly of one function; but some wrap a function anew for each request. */
function isSamePrefix(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && compareBytes(a, b) === 0)
}

/** No engine makes slices of fewer characters. */
const leastSlice = 13

/** A text that was cut from no other. (JSON keeps lone surrogates, which a TextDecoder would not.) */
function copyOf(text: string): Copy {
  const bytes = bytesPerCopy + (beyondLatin1.test(text) ? 2 : 1) * text.length
  return { text: text.length < leastSlice ? text : intern(JSON.parse(JSON.stringify(text)) as string), bytes, users: 0 }
}

/** The one text that the engine has of all that are the same. It finds it by a digest, which for very long ones says their length alone. */
function intern(text: string): string {
  if (text.length < leastSlice || text.length > 8192) return text
  const named = Object.create(null) as Record<string, true>
  named[text] = true
  return Object.keys(named)[0]!
}
