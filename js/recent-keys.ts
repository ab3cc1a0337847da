/**
 * Requests that come again, with their keys.
 *
 * A hit is by its nature a request that was made before, and comparing a request with the one that it was then takes a tenth of
 * handing its texts to the core and digesting them. So requests of moderate size are kept, each in a slot of a table: as an outline
 * has them (outline.ts), or, where all there is is one text, as they are. What is kept are copies: a slice would keep alive all it was
 * cut from. No answer hangs on how the slot is chosen, as what is kept is compared in full.
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

/** What a hit reads lies close together: it comes from far away in memory, mostly. */
interface Kept extends Pick<Request, 'prefix' | 'words' | 'at' | 'count'> {
  /** The first of the texts. */
  readonly first: string | undefined
  readonly texts: readonly Copy[]
  readonly bytes: number
}

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
  /** Of each slot, that of what is kept there: what is not asked for need not be looked at. */
  private readonly hashes: Int32Array
  /** Who was not let in last, for each slot or, where they are many, for several. */
  private readonly seen: Int32Array
  /** Of each slot: what is there was asked for since the hand came by, which looks for room. */
  private readonly used: Uint8Array
  /** Of each slot, the four words of the key. */
  readonly keys: Uint32Array
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
    this.lowerBits = Math.clz32(Math.max(this.reservedBytes / leastBytes, 16))
    const slots = (this.slots = 2 ** (32 - this.lowerBits))
    this.kept = emptySlots(slots)
    this.hashes = new Int32Array(slots)
    this.seen = new Int32Array(Math.min(slots, 1024))
    this.used = new Uint8Array(slots)
    this.keys = new Uint32Array(4 * slots)
    this.left = this.roomForRequests
  }

  /** Where in `keys` the key begins that such a request was given by note(), if it is kept; else -1. */
  find(request: Request): number {
    if (request.at > mostWords) return -1
    const hash = (this.hash = this.hashOf(request))
    const slot = hash >>> this.lowerBits
    return this.has(slot, hash, request) ? 4 * slot : this.has(slot ^ 1, hash, request) ? 4 * (slot ^ 1) : -1
  }

  private has(slot: number, hash: number, request: Request): boolean {
    if (this.hashes[slot] !== hash) return false
    const kept = this.kept[slot]
    if (kept === undefined || !isSame(kept, request)) return false
    this.used[slot] = 1
    return true
  }

  /** The key of the request that was looked for just now, and not found: four words of `from`, beginning at `begin`. */
  note(request: Request, from: Uint32Array, begin: number): void {
    const { kept, hashes, hash } = this
    const fingerprint = from[begin]! | 0
    const { prefix, words, at, texts, count } = request
    if (at > mostWords) return
    let slot = hash >>> this.lowerBits
    if (kept[slot] !== undefined) {
      if (this.lessons > 0) {
        const alike = hashes[slot] === hash ? kept[slot] : hashes[slot ^ 1] === hash ? kept[slot ^ 1] : undefined
        if (alike !== undefined) return this.learn(alike, request)
      }
      slot ^= 1
      if (kept[slot] !== undefined && !this.again(slot, fingerprint)) return
    }
    if (this.isFull && !this.again(slot, fingerprint)) return
    let bytes = leastBytes + 4 * at
    for (let i = 0; i < count; i++) bytes += this.common(i, texts[i]!) === undefined ? 48 + texts[i]!.length : 16
    if (bytes > mostBytes) return
    for (let i = 0; i < count; i++) if (this.common(i, texts[i]!) === undefined && beyondLatin1.test(texts[i]!)) bytes += texts[i]!.length
    if (bytes > mostBytes) return
    if (bytes > this.left && (!this.again(slot, fingerprint) || !this.makeRoom(bytes))) {
      this.isFull = true
      return
    }
    const copies = texts.slice(0, count).map((text, i) => this.common(i, text) ?? copyOf(text))
    for (const copy of copies) if (++copy.users === 1) this.left -= copy.bytes
    this.drop(slot)
    const own = leastBytes + 4 * at + 16 * count
    this.left -= own
    this.used[slot] = 1
    hashes[slot] = hash
    for (let i = 0; i < 4; i++) this.keys[4 * slot + i] = from[begin + i]!
    kept[slot] = this.latest = { prefix, words: words.slice(0, at), at, count, first: copies[0]?.text, texts: copies, bytes: own }
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
    const copy = this.latest?.texts[i]
    return copy !== undefined && copy.users > 0 && copy.text === text ? copy : undefined
  }

  /** Lets go of some that were not asked for of late; says whether that is enough. */
  private makeRoom(bytes: number): boolean {
    const { slots } = this
    for (let i = 0; i < slots / 16 && bytes > this.left; i++) {
      this.hand = (this.hand + 1) % slots
      if (this.used[this.hand] === 1 || this.kept[this.hand] === this.latest) this.used[this.hand] = 0
      else this.drop(this.hand)
    }
    return bytes <= this.left
  }

  private drop(slot: number): void {
    const kept = this.kept[slot]
    if (kept === undefined) return
    this.kept[slot] = undefined
    if (kept === this.latest) this.latest = undefined
    this.isFull = false
    this.left += kept.bytes
    for (const copy of kept.texts) if (--copy.users === 0) this.left += copy.bytes
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
  for (let text = 0; text < a.count && text < b.count; text++) {
    const [one, two] = [a.texts[text]!.text, b.texts[text]!]
    if (one === two) continue
    let at = 0
    while (one.charCodeAt(at) === two.charCodeAt(at)) at++
    return [text, at]
  }
  return [-1, a.words.findIndex((word, i) => word !== b.words[i])]
}

const bytesPerSlot = 8 + 4 + 4 + 1 + 16

/** Of one request, beside its words and texts. */
const leastBytes = 256
/** Of one request. What is larger is not kept. */
const mostWords = 1024
const mostBytes = 32_768

const emptySlots = (slots: number): undefined[] => new Array<undefined>(slots).fill(undefined)

function isSame(a: Kept, b: Request): boolean {
  if (a.at !== b.at || a.count !== b.count || !isSamePrefix(a.prefix, b.prefix)) return false
  for (let i = 0; i < a.at; i++) if (a.words[i] !== b.words[i]) return false
  if (a.count > 0 && a.first !== b.texts[0]) return false
  for (let i = 1; i < a.count; i++) if (a.texts[i]!.text !== b.texts[i]) return false
  return true
}

/** The same bytes, mostly of one function; but some wrap a function anew for each request. */
function isSamePrefix(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && compareBytes(a, b) === 0)
}

/** A string of its own. (JSON keeps lone surrogates, which a TextDecoder would not; and no engine makes slices of a few characters.) */
function copyOf(text: string): Copy {
  const bytes = 32 + (beyondLatin1.test(text) ? 2 : 1) * text.length
  return { text: text.length < 13 ? text : (JSON.parse(JSON.stringify(text)) as string), bytes, users: 0 }
}
