/**
 * The tokens of tags, as storage holds them (src/tokens.h has the idea). A function's name is a tag, and so is a scope;
 * an entry is alive while the tokens that its tags had when its computation began are still theirs.
 *
 * A tag's number is the first 64 bits of the digest (SHA-256, or HMAC) of `[format, scope, kind, value]`, and its token lies in storage
 * under that number. A token that is not there is drawn at random and written; one that cannot be read
 * is drawn for this process alone and asked for again the next time.
 */
import { firstItems } from './encode.js'
import type { StorageGuard } from './storage/guard.js'

export interface Tag {
  readonly kind: 'scope' | 'name'
  readonly value: string | null
}

interface Known {
  /** 16 bytes: the tag's number and its token, as the core and the entry hold them. */
  readonly pair: Uint8Array
  /** Where the token lies in storage; undefined without one. */
  readonly place: string | undefined
  /** The storage knows it too. */
  shared: boolean
}

export interface TokenTools {
  scope: string | null
  storage: StorageGuard | undefined
  /** Undefined where no digest can be had: then the tag is this process's alone. */
  digest(bytes: Uint8Array): Promise<Uint8Array | undefined>
  randomBytes(count: number): Uint8Array
  /** Tells the judge a tag's token. */
  setToken(pair: Uint8Array): void
}

export interface Snapshot {
  /** The pairs of all tags, one after the other. */
  readonly pairs: Uint8Array
  /** Entries with these tokens make sense to others too. */
  readonly shared: boolean
}

export class Tokens {
  private readonly known = new Map<string, Known | Promise<Known>>()

  constructor(private readonly tools: TokenTools) {}

  /** The tokens that these tags have now. To be asked for before the computation whose entry carries them. */
  async snapshot(tags: readonly Tag[]): Promise<Snapshot> {
    const known: Known[] = []
    for (const tag of tags) known.push(await this.current(tag))
    const pairs = new Uint8Array(16 * known.length)
    known.forEach(({ pair }, i) => pairs.set(pair, 16 * i))
    return { pairs, shared: known.every(({ shared }) => shared) }
  }

  /** Gives the tag another token: every entry that carries the old one is dead from now on. */
  async renew(tag: Tag): Promise<void> {
    const { pair, place, shared } = await this.current(tag)
    const renewed = { pair: pairOf(pair.subarray(0, 8), this.tools.randomBytes(8)), place, shared: shared || place !== undefined }
    this.known.set(nameOf(tag), renewed)
    this.tools.setToken(renewed.pair)
    await this.write(renewed)
  }

  /** Tells a new judge what the old one knew. */
  async retell(): Promise<void> {
    for (const known of this.known.values()) this.tools.setToken((await known).pair)
  }

  private current(tag: Tag): Known | Promise<Known> {
    const name = nameOf(tag)
    const known = this.known.get(name)
    if (known !== undefined && (known instanceof Promise || known.shared)) return known
    const loading: Promise<Known> = this.load(tag).then((loaded): Known | Promise<Known> => {
      // Renewed while it was being loaded: the newer one stands.
      const now = this.known.get(name)
      if (now !== loading && now !== undefined) return now
      this.known.set(name, loaded)
      this.tools.setToken(loaded.pair)
      return loaded
    })
    this.known.set(name, loading)
    return loading
  }

  private async load(tag: Tag): Promise<Known> {
    const { storage, randomBytes } = this.tools
    // Without a storage nobody else has to find the tag, so any number will do.
    if (storage === undefined) return { pair: pairOf(randomBytes(8), randomBytes(8)), place: undefined, shared: true }
    const digest = await this.tools.digest(firstItems(4, [this.tools.scope, tag.kind, tag.value]))
    if (digest === undefined) return { pair: pairOf(randomBytes(8), randomBytes(8)), place: undefined, shared: false }
    const number = digest.slice(0, 8)
    const place = hex(number)
    const { ok, bytes } = await storage.tryGet(place)
    if (ok && bytes?.length === record.length + 8 && record.every((byte, i) => bytes[i] === byte)) {
      return { pair: pairOf(number, bytes.subarray(record.length)), place, shared: true }
    }
    const drawn = { pair: pairOf(number, randomBytes(8)), place, shared: ok }
    if (ok) await this.write(drawn)
    return drawn
  }

  private async write({ place, pair }: Known): Promise<void> {
    if (place === undefined) return
    const bytes = new Uint8Array(record.length + 8)
    bytes.set(record)
    bytes.set(pair.subarray(8), record.length)
    this.tools.storage?.set(place, bytes, {})
    await this.tools.storage?.written(place)
  }
}

/** What a token's bytes in storage begin with: "RPRT", format 1, and three zeros. */
const record = Uint8Array.of(0x52, 0x50, 0x52, 0x54, 1, 0, 0, 0)

function pairOf(number: Uint8Array, token: Uint8Array): Uint8Array {
  const pair = new Uint8Array(16)
  pair.set(number)
  pair.set(token, 8)
  return pair
}

function nameOf(tag: Tag): string {
  return `${tag.kind} ${tag.value ?? ''}`
}

export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}
