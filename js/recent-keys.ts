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

interface Kept extends Request {
  readonly hash: number
  readonly bytes: number
  readonly key: Uint32Array
}

export class RecentKeys {
  private kept: (Kept | undefined)[] = emptySlots()
  private readonly seen = new Int32Array(slots)
  /** In pairs: which text, and which of its characters; -1, and which word. */
  private readonly places: number[] = []
  private left: number
  /** How often that is still done: each place costs every request something. */
  private lessons = 8
  /** Of the request that was looked for last. Its upper bits are its slot; the slot beside that is its second one. */
  private hash = 0

  /** What all that is kept may take, roughly and rather too much: it is in the budget, and entries cannot have it. */
  readonly reservedBytes: number

  constructor(maxBytes: number) {
    this.left = this.reservedBytes = Math.min(Math.floor(maxBytes / 64), 1_000_000)
  }

  /** The key that such a request was given by note(), if it is kept. */
  find(request: Request): Uint32Array | undefined {
    if (request.at > mostWords) return undefined
    const { kept } = this
    const hash = (this.hash = this.hashOf(request))
    const slot = hash >>> (32 - slotBits)
    const first = kept[slot]
    if (first !== undefined && first.hash === hash && isSame(first, request)) return first.key
    const second = kept[slot ^ 1]
    return second !== undefined && second.hash === hash && isSame(second, request) ? second.key : undefined
  }

  /** The key of the request that was looked for just now, and not found; `key` is asked for where it is kept. `fingerprint` are any 32 bits of the key. */
  note(request: Request, fingerprint: number, key: () => Uint32Array): void {
    const { kept, hash } = this
    const { prefix, words, at, texts, count } = request
    if (at > mostWords) return
    let slot = hash >>> (32 - slotBits)
    const first = kept[slot]
    if (first !== undefined) {
      const second = kept[(slot ^= 1)]
      const other = first.hash === hash ? first : second
      if (this.lessons > 0 && other?.hash === hash) return this.learn(other, request)
      // Requests that are new each time push out none that comes again.
      if (second !== undefined && this.seen[slot] !== fingerprint) {
        this.seen[slot] = fingerprint
        return
      }
    }
    const left = this.left + (kept[slot]?.bytes ?? 0)
    const most = Math.min(mostBytes, left)
    let bytes = 256 + 4 * at
    for (let i = 0; i < count; i++) bytes += 32 + texts[i]!.length
    if (bytes > most) return
    for (let i = 0; i < count; i++) if (beyondLatin1.test(texts[i]!)) bytes += texts[i]!.length
    if (bytes > most) return
    this.left = left - bytes
    kept[slot] = { hash, prefix, words: words.slice(0, at), at, texts: texts.slice(0, count).map(copyOf), count, bytes, key: key() }
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
  private learn(a: Request, b: Request): void {
    this.lessons--
    const [text, at] = firstDifference(a, b)
    if (at < 0) return // it is the prefix
    this.places.push(text, at)
    this.kept = emptySlots()
    this.left = this.reservedBytes
  }
}

function firstDifference(a: Request, b: Request): [text: number, at: number] {
  for (let text = 0; text < a.count && text < b.count; text++) {
    const [one, two] = [a.texts[text]!, b.texts[text]!]
    if (one === two) continue
    let at = 0
    while (one.charCodeAt(at) === two.charCodeAt(at)) at++
    return [text, at]
  }
  return [-1, a.words.findIndex((word, i) => word !== b.words[i])]
}

const slotBits = 10
const slots = 1 << slotBits

/** Of one request. What is larger is not kept. */
const mostWords = 1024
const mostBytes = 32_768

const emptySlots = (): undefined[] => new Array<undefined>(slots).fill(undefined)

function isSame(a: Request, b: Request): boolean {
  if (a.at !== b.at || a.count !== b.count || !isSamePrefix(a.prefix, b.prefix)) return false
  for (let i = 0; i < a.at; i++) if (a.words[i] !== b.words[i]) return false
  for (let i = 0; i < a.count; i++) if (a.texts[i] !== b.texts[i]) return false
  return true
}

/** The same bytes, mostly of one function; but some wrap a function anew for each request. */
function isSamePrefix(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && compareBytes(a, b) === 0)
}

/** A string of its own. (JSON keeps lone surrogates, which a TextDecoder would not; and no engine makes slices of a few characters.) */
function copyOf(text: string): string {
  return text.length < 13 ? text : (JSON.parse(JSON.stringify(text)) as string)
}
