/**
 * The tokens of tags, as storage holds them (src/tokens.h has the idea). A function's name is a tag, and so is a scope;
 * an entry is alive while the tokens that its tags had when its computation began are still theirs.
 *
 * A tag's number is the first 64 bits of the digest (SHA-256, or HMAC) of `[format, scope, kind, value]`, and its token lies in storage
 * under that number. A token that is not there is drawn at random and written, where nobody else was quicker; one that cannot be read
 * is drawn for this process alone and asked for again the next time. Of the 8 bytes of a token, all are drawn anew to invalidate, the last
 * three to expire: entries made before are dead, or stale. Those three lie in a place of their own from then on, with the five that they belong to: so who expires
 * writes over nothing that invalidates. Should that be lost, what was expired is fresh again, for the rest of its time.
 *
 * What no entry in memory and no call carries is forgotten by and by: there may be a tag for each document or user, and those of entries
 * that are in storage only are asked for with them. Some are looked at whenever as many new ones have come as makes that worth it.
 *
 * Other processes share the storage, not this memory. Who renews a token also renews that of one tag which stands for all of
 * them, the epoch. Every `lagMs` the epoch is read, one small read whatever the number of tags; where it has changed, all tokens
 * known here are read again. So an invalidation is obeyed here at once, and elsewhere within that time.
 */
import { firstItems, type Scope } from './encode.js'
import type { StorageGuard } from './storage/guard.js'

export interface Tag {
  readonly scope: Scope
  /** `number`: of a tag of somebody else's, of which an entry tells no more; it is the `value`, in hexadecimal. */
  readonly kind: 'scope' | 'name' | 'tag' | 'epoch' | 'number'
  readonly value: string | null
}

interface Known {
  readonly tag: Tag
  /** 16 bytes: the tag's number and its token, as the core and the entry hold them. */
  readonly pair: Uint8Array
  /** Where the token lies in storage; undefined without one. */
  readonly place: string | undefined
  /** The storage knows it too. */
  readonly shared: boolean
  /** Renewed here, and the storage could not be told: so it is what counts, and to be written as soon as that works. */
  readonly owed: boolean
  /** It was drawn as the storage had none. Should somebody else's be there by now, that is it. */
  readonly drawn?: boolean
  /** When it last changed, in the order of all changes. */
  readonly changed: number
  /** It is owed, and only its last bytes were drawn here: the first are those that were known. */
  readonly soft?: boolean
  /** Some of the tokens, or of their first bytes, that it has had here: one that the storage still has, or has again, is not news. */
  readonly retired: readonly string[]
  /** When the last of those was outdated, by the stopwatch. */
  readonly retiredAt?: number | undefined
  /** Somebody asked for it since it was last looked at by who forgets. */
  asked?: boolean
}

export interface TokenTools {
  storage: StorageGuard | undefined
  /** How long what others renewed may go unseen, in milliseconds. */
  lagMs: number
  now(): number
  stopwatch(): number
  /** Undefined where no digest can be had: then the tag is this process's alone. */
  digest(bytes: Uint8Array): Promise<Uint8Array | undefined>
  randomBytes(count: number): Uint8Array
  /** Tells the judge a tag's token. */
  setToken(pair: Uint8Array): void
  /** The judge need not know the tag any more. False, and it still does, where an entry that it has carries it. */
  forgetToken(pair: Uint8Array): boolean
  /** The names (tagName) of tags that are to be known, as calls that run will carry them. */
  inUse(): ReadonlySet<string>
  /** The tag was renewed, here or elsewhere: what is being computed now is older than that. `soft`: what is stored may still stand in. */
  renewed(tag: Tag, soft: boolean): void
  /** Storage has another token than it had, of the tag with this number. */
  told?(number: Uint8Array): void
}

export interface Snapshot {
  /** The pairs of all tags, one after the other. */
  readonly pairs: Uint8Array
  /** Entries with these tokens make sense to others too. */
  readonly shared: boolean
  /** The last of all changes when it was made. */
  readonly changes: number
}

/** So many tags are new before some are looked at which might be forgotten: it is done for many at once, as all calls that run have a say in it. */
const newcomersBefore = 256
/** How long it is remembered that a tag was renewed. */
const rememberedMs = 60_000

const epoch: Tag = { scope: null, kind: 'epoch', value: null }

export class Tokens {
  /** By name; what is known by number only, by its place. */
  private readonly byName = new Map<string, Known>()
  /** The places in storage of tags that are known, and the pairs of now. */
  private readonly places = new Map<string, Uint8Array>()
  /** What the storage is being asked for, or told. */
  private readonly loading = new Map<string, Promise<Known>>()
  private readonly renewing = new Set<Promise<void>>()
  /** Tags that are being renewed, of which not even the number is known yet. */
  private readonly unnumbered = new Set<Promise<Known>>()
  /** Drawn here, and put into a storage that cannot say whether others did the same at that moment: to be read again, by name. */
  private readonly unsure = new Set<string>()
  /** What was read may have been old: when that was last so, and when all is to be read once more, by the stopwatch. */
  private oldAt = -Infinity
  private againAt = Infinity
  /** What the storage could not be told when it was renewed, by name. */
  private readonly unpaid = new Set<string>()
  /** How often any token changed that was known here. */
  private changes = 0
  /** The last of them, of the tags that were forgotten. */
  private forgotten = 0
  /** How many tags became known since some were last looked at, and where that goes on. */
  private newcomers = 0
  private hand: Iterator<Known> | undefined
  /** What was said last, and of which list of tags, for as long as no tag changes. */
  private last: { readonly tags: readonly Tag[]; readonly snapshot: Snapshot } | undefined
  private seenEpoch: string | undefined
  private asking: Promise<void> | undefined
  /** When the storage was asked last: by the time of day, which goes on while a machine sleeps, and by the stopwatch, which nobody turns back. */
  private askedAt: number
  private askedAfter: number

  constructor(private readonly tools: TokenTools) {
    this.askedAt = tools.now()
    this.askedAfter = tools.stopwatch()
  }

  /** Is it time to catchUp()? `now`: calls must wait for it. `soon`: if it is done now, nobody will have to. */
  due(now: number): 'no' | 'soon' | 'now' {
    const { lagMs, storage } = this.tools
    if (this.unnumbered.size > 0) return 'now'
    if (storage === undefined) return 'no'
    const since = Math.max(now - this.askedAt, this.tools.stopwatch() - this.askedAfter)
    return since >= lagMs ? 'now' : since >= lagMs / 2 ? 'soon' : 'no'
  }

  /** The tokens that these tags have now. To be asked for before the computation whose entry carries them. */
  async snapshot(tags: readonly Tag[]): Promise<Snapshot> {
    this.forget()
    // All are asked for before one is waited for.
    const asked = tags.map(tag => this.current(tag))
    const known: Known[] = []
    for (const one of asked) known.push(one instanceof Promise ? await one : one)
    return this.snapshotOf(known)
  }

  /** The same at once, where nobody has to be asked. */
  known(tags: readonly Tag[]): Snapshot | undefined {
    if (this.last?.tags === tags) return this.last.snapshot
    this.forget()
    const known: Known[] = []
    for (const tag of tags) {
      const one = this.current(tag)
      if (one instanceof Promise) return undefined
      known.push(one)
    }
    const snapshot = this.snapshotOf(known)
    this.last = { tags, snapshot }
    return snapshot
  }

  private snapshotOf(known: readonly Known[]): Snapshot {
    const pairs = new Uint8Array(16 * known.length)
    known.forEach(({ pair }, i) => pairs.set(pair, 16 * i))
    return { pairs, shared: known.every(({ shared }) => shared), changes: this.changes }
  }

  /**
   * The same with tags that became known only while the computation ran. Undefined where one of them has changed since `before` was taken:
   * then what was computed may be older than the change.
   */
  async extended(before: Snapshot, tags: readonly Tag[]): Promise<Snapshot | undefined> {
    const { pairs, shared } = await this.snapshot(tags)
    for (const tag of tags) {
      const known = await this.current(tag)
      if (known.changed > before.changes) return undefined
    }
    return { pairs: united(before.pairs, pairs), shared: shared && before.shared, changes: before.changes }
  }

  /** Has one of these tags changed since, as far as is known without asking anybody? */
  changedSince(before: Snapshot, tags: readonly Tag[]): boolean {
    return tags.some(tag => (this.byName.get(tagName(tag))?.changed ?? this.forgotten) > before.changes)
  }

  /**
   * Learns what the tokens are now of the tags that an entry carries (`pairs`), where they were never heard of here: others
   * gave them. False where the storage could not be asked.
   */
  async hearOf(pairs: Uint8Array): Promise<boolean> {
    const numbers: Uint8Array[] = []
    for (let at = 0; at < pairs.length; at += 16) numbers.push(pairs.slice(at, at + 8))
    const heard = await Promise.all(numbers.map(async number => {
      const place = hex(number)
      if (this.places.has(place)) return true
      const { ok, token } = await this.readBoth(place)
      const tag: Tag = { scope: null, kind: 'number', value: place }
      if (token !== undefined && !this.places.has(place)) this.learn({ tag, pair: pairOf(number, token), place, shared: true, owed: false, changed: this.forgotten, retired: [] })
      return ok
    }))
    return heard.every(ok => ok)
  }

  /** Was none of the tags invalidated, as far as is known, whose tokens an entry out of storage carries? */
  alive(pairs: Uint8Array): boolean {
    for (let at = 0; at < pairs.length; at += 16) {
      const now = this.places.get(hex(pairs.subarray(at, at + 8)))
      if (now === undefined || differsFrom(now, pairs.subarray(at + 8, at + 16), softFrom)) return false
    }
    return true
  }

  /** Gives the tag another token: every entry that carries the old one is dead from now on, or, where `soft`, stale. */
  async renew(tag: Tag, soft = false): Promise<void> {
    this.forget()
    const renewing = this.change(tag, soft).then(async ({ place }) => void (place === undefined || await this.change(epoch, false)))
    this.renewing.add(renewing)
    try {
      await renewing
    } finally {
      this.renewing.delete(renewing)
    }
  }

  /** What was renewed so far is where others find it, as far as the storage can be told. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.renewing)
  }

  /** Asks the storage whether others have renewed anything. Resolves when all that is known here is as it is there. */
  async catchUp(): Promise<void> {
    while (this.unnumbered.size > 0) await Promise.all(this.unnumbered)
    if (this.tools.storage === undefined) return
    await (this.asking ??= this.ask().finally(() => {
      this.asking = undefined
      this.askedAt = this.tools.now()
      this.askedAfter = this.tools.stopwatch()
    }))
  }

  /** The storage is there after it was not: it is told what it is owed, and says what others have renewed meanwhile. */
  async makeUp(): Promise<void> {
    for (const { tag, owed } of [...this.byName.values()]) if (owed) await this.current(tag)
    await this.catchUp()
  }

  /** How many invalidations the storage was not told of. */
  get untold(): number {
    return this.unpaid.size
  }

  /** Tells a new judge what the old one knew. */
  retell(setToken: (pair: Uint8Array) => void): void {
    for (const { pair } of this.byName.values()) setToken(pair)
  }

  /** A tag that is renewed before its name was heard of here. Entries may carry its number all the same, so calls wait until that is known. */
  private async numbered(tag: Tag): Promise<Known> {
    const loading = Promise.resolve(this.current(tag))
    this.unnumbered.add(loading)
    try {
      return await loading
    } finally {
      this.unnumbered.delete(loading)
    }
  }

  private async change(tag: Tag, soft: boolean): Promise<Known> {
    // What is known is changed at once, shared or not: who called may call on, and must not meet what was before.
    let known = this.byName.get(tagName(tag))
    if (known === undefined) {
      const loaded = await this.numbered(tag)
      // Someone else may have waited for the same, and have renewed it.
      known = this.byName.get(tagName(tag)) ?? loaded
    }
    const { pair, place } = known
    const renewed = pair.slice()
    const from = soft ? softFrom : 8
    do renewed.set(this.tools.randomBytes(16 - from), from)
    while (renewed.every((byte, i) => byte === pair[i]))
    const changed: Known = {
      tag, pair: renewed, place, shared: place === undefined, owed: place !== undefined, changed: ++this.changes,
      soft: soft && (!known.owed || known.soft === true), retired: retiredBy(known, renewed), retiredAt: this.tools.stopwatch(),
    }
    this.learn(changed)
    // Had it to be loaded first, calls have come in between.
    this.tools.renewed(tag, soft)
    return place === undefined ? changed : this.pay(changed)
  }

  private current(tag: Tag): Known | Promise<Known> {
    const name = tagName(tag)
    const known = this.byName.get(name)
    if (known !== undefined && isSettled(known)) {
      known.asked = true
      return known
    }
    const begun = this.loading.get(name)
    if (begun !== undefined) return begun
    // Without a storage nobody else has to find the tag, so any number will do.
    if (this.tools.storage === undefined) {
      const drawn: Known = { tag, pair: this.tools.randomBytes(16), place: undefined, shared: true, owed: false, changed: this.forgotten, retired: [] }
      this.learn(drawn)
      return drawn
    }
    const loading = (known?.owed ? this.pay(known) : this.load(tag, known)).then(loaded => {
      this.loading.delete(name)
      const now = this.byName.get(name)
      // Renewed while it was being loaded: the newer one stands.
      if (now !== known && now !== undefined) return now
      this.learn(loaded)
      return loaded
    })
    this.loading.set(name, loading)
    return loading
  }

  private note(known: Known): void {
    known.asked = true
    const before = this.byName.size
    this.byName.set(tagName(known.tag), known)
    if (this.byName.size > before) this.newcomers++
    this.last = undefined
  }

  /** Looks at some tags, four for each new one, and forgets those that neither an entry nor a call carries, unless somebody has asked for them since the last time. */
  private forget(): void {
    if (this.newcomers < newcomersBefore) return
    const { byName, places } = this
    const inUse = this.tools.inUse()
    for (let left = Math.min(4 * this.newcomers, byName.size); left > 0; left--) {
      let next = (this.hand ??= byName.values()).next()
      if (next.done === true) next = (this.hand = byName.values()).next()
      const known: Known = next.value
      if (known.asked === true) known.asked = false
      else if (this.isForgettable(known, inUse) && this.tools.forgetToken(known.pair)) {
        byName.delete(tagName(known.tag))
        if (known.place !== undefined) places.delete(known.place)
        this.forgotten = Math.max(this.forgotten, known.changed)
      }
    }
    this.newcomers = 0
    this.last = undefined
  }

  /** What was renewed lately is remembered: for calls that began before, and as storage may be late, or lose it. */
  private isForgettable({ tag, owed, retiredAt = -Infinity }: Known, inUse: ReadonlySet<string>): boolean {
    const { storage, stopwatch } = this.tools
    if (owed || tag.kind === 'epoch' || stopwatch() - retiredAt <= Math.max(storage?.lateMs ?? 0, rememberedMs)) return false
    const name = tagName(tag)
    return !inUse.has(name) && !this.loading.has(name)
  }

  /** How many tags are known. */
  get size(): number {
    return this.byName.size
  }

  private learn(known: Known): void {
    const { tag, place } = known
    this.note(known)
    if (place !== undefined) {
      this.places.set(place, known.pair)
      // Its name is known now, and only that is followed.
      if (tag.kind !== 'number') this.byName.delete(tagName({ scope: null, kind: 'number', value: place }))
    }
    if (known.tag.kind !== 'epoch') this.tools.setToken(known.pair)
  }

  /** What the storage says; or, while it says nothing, what was drawn `before` for this process, so that entries made meanwhile live. */
  private async load(tag: Tag, before: Known | undefined): Promise<Known> {
    const { randomBytes } = this.tools
    const known = (place: string | undefined, pair: Uint8Array, shared: boolean): Known => ({ tag, pair, place, shared, owed: false, changed: before?.changed ?? this.forgotten, retired: before?.retired ?? [], retiredAt: before?.retiredAt })
    const digest = await this.tools.digest(firstItems(4, [tag.scope, tag.kind, tag.value]))
    if (digest === undefined) return known(undefined, randomBytes(16), false)
    const number = digest.slice(0, 8)
    const place = hex(number)
    const { ok, token } = await this.readBoth(place)
    if (token !== undefined) {
      this.mayBeOld()
      return known(place, pairOf(number, token), true)
    }
    const now = this.byName.get(tagName(tag))
    if (now !== before && now !== undefined) return now
    const drawn = { ...known(place, before?.pair ?? pairOf(number, randomBytes(8)), false), drawn: true }
    return ok ? this.pay(drawn) : drawn
  }

  /** Where the last bytes of a token lie, once it was made to expire. */
  softPlaceOf(place: string): string {
    return Array.from(place, digit => (15 - parseInt(digit, 16)).toString(16)).join('')
  }

  /** A token as it is now: with the last bytes of when it was last made to expire, if that was since it was last drawn. */
  private async readBoth(place: string): Promise<{ ok: boolean; token?: Uint8Array }> {
    const [whole, soft] = await Promise.all([this.read(place), this.read(this.softPlaceOf(place))])
    if (!whole.ok || !soft.ok) return { ok: false }
    const belongs = whole.token !== undefined && soft.token !== undefined && !differsFrom(pairOf(soft.token, soft.token), whole.token, softFrom)
    return belongs ? soft : whole
  }

  private async read(place: string): Promise<{ ok: boolean; token?: Uint8Array }> {
    const { ok, bytes } = await this.tools.storage!.tryGet(place)
    const isToken = bytes?.length === record.length + 8 && record.every((byte, i) => bytes[i] === byte)
    return isToken ? { ok, token: bytes.slice(record.length) } : { ok }
  }

  /** Writes a token into storage; it is shared once that has worked. */
  private async pay(known: Known): Promise<Known> {
    const { tag, place, changed } = known
    const name = tagName(tag)
    let { pair, retired } = known
    const { storage } = this.tools
    let shared = false
    if (known.soft === true) {
      // It is for the first bytes that the tag has, whoever drew them, and those may be drawn anew while this is written.
      for (let written: Uint8Array | undefined; ; written = pair) {
        const { ok, token } = await this.read(place!)
        if (this.byName.get(name) !== known) return this.byName.get(name)!
        if (!ok) {
          storage!.owes()
          this.unpaid.add(name)
          return known
        }
        if (token !== undefined && differsFrom(pair, token, softFrom) && !isRetired(known, token)) {
          const theirs = pairOf(pair.subarray(0, 8), token)
          theirs.set(pair.subarray(softFrom), softFrom)
          retired = retiredBy(known, theirs)
          pair = theirs
        }
        if (written === pair || !(shared = await storage!.put(this.softPlaceOf(place!), recordOf(pair), {}))) break
      }
    } else if (known.drawn === true) {
      const before = this.byName.get(name)
      const { ok, theirs } = await storage!.add(place!, recordOf(pair))
      shared = ok
      if (theirs) {
        const there = await this.readBoth(place!)
        const now = this.byName.get(name)
        if (now !== undefined && now !== before) return now
        if (there.token !== undefined && !isRetired(known, there.token)) pair = pairOf(pair.subarray(0, 8), there.token)
        // No token at all, or one that had been lost.
        else shared = there.ok && (await storage!.put(place!, recordOf(pair), {}))
      } else if (ok && !storage!.adds) this.unsure.add(name)
    } else shared = await storage!.put(place!, recordOf(pair), {})
    if (!shared && known.owed) this.unpaid.add(name)
    // Others look again only where the epoch has changed, and they may have looked since that was written.
    else if (shared && this.unpaid.delete(name) && tag.kind !== 'epoch') void this.change(epoch, false)
    if (shared && known.drawn !== true && tag.kind !== 'epoch') this.tools.told?.(pair.subarray(0, 8))
    const paid: Known = { tag, pair, place, shared, owed: !shared && known.owed, changed, soft: !shared && known.soft === true, drawn: !shared && known.drawn === true, retired, retiredAt: known.retiredAt }
    if (this.byName.get(name) !== known) return paid
    if (pair === known.pair) this.note(paid)
    else {
      this.learn(paid)
      this.tools.renewed(tag, false)
    }
    return paid
  }

  private async ask(): Promise<void> {
    const place = await this.placeOf(epoch)
    if (place === undefined) return
    const { ok, token } = await this.read(place)
    const seen = token === undefined ? '' : hex(token)
    const again = this.tools.stopwatch() >= this.againAt
    // The first time it cannot be told whether it has changed.
    const all = again || seen !== this.seenEpoch
    if (!ok || (!all && this.unsure.size === 0)) return
    const names = new Set(all ? [...this.byName.keys(), ...this.loading.keys()] : this.unsure)
    this.unsure.clear()
    if (again) this.againAt = Infinity
    if (seen !== this.seenEpoch) this.mayBeOld()
    else if (this.oldAt + this.tools.storage!.lateMs > this.tools.stopwatch()) this.againAt = this.oldAt + this.tools.storage!.lateMs
    const read = await Promise.all([...names].map(async name => {
      const known = (await this.loading.get(name)) ?? this.byName.get(name)
      return known === undefined || (await this.reload(known))
    }))
    // What could not be read may be what has changed: then all are read again the next time.
    if (read.every(ok => ok)) this.seenEpoch = seen
  }

  /** Where reads may be old, the token that is read now may be that of before its renewal, whose news is here: all are read once more when that cannot be any longer. */
  private mayBeOld(): void {
    const { storage, stopwatch } = this.tools
    const { lateMs } = storage!
    if (lateMs === 0) return
    this.oldAt = stopwatch()
    if (this.againAt === Infinity) this.againAt = this.oldAt + lateMs
  }

  /** Somebody says that the tag with this number has another token. */
  async reread(number: Uint8Array): Promise<void> {
    const place = hex(number)
    if (this.places.has(place)) for (const known of this.byName.values()) if (known.place === place) return void (await this.reload(known))
  }

  /** False where the storage did not say. */
  private async reload(known: Known): Promise<boolean> {
    const { tag, pair, place } = known
    if (tag === epoch || place === undefined) return true
    if (known.owed) return (await this.pay(known)).shared
    await Promise.all([this.tools.storage!.written(place), this.tools.storage!.written(this.softPlaceOf(place))])
    const { ok, token } = await this.readBoth(place)
    if (!ok) return false
    // Renewed here meanwhile: that is newer.
    if (this.byName.get(tagName(tag)) !== known) return true
    if (token !== undefined && !differsFrom(pair, token, 16)) return true
    if (token !== undefined && isRetired(known, token)) {
      // The storage has lost what it was told, or is late. Who read this elsewhere is to read again.
      const owed = { ...known, shared: false, owed: true, soft: false }
      this.note(owed)
      await this.pay(owed)
      await this.change(epoch, false)
      return true
    }
    const news = pairOf(pair.subarray(0, 8), token ?? this.tools.randomBytes(8))
    // Where the storage has lost it, nobody can know whether it was renewed: all that carries it is dead.
    const learned: Known = { tag, pair: news, place, shared: token !== undefined, owed: token === undefined, drawn: token === undefined, changed: ++this.changes, retired: retiredBy(known, news), retiredAt: this.tools.stopwatch() }
    this.learn(learned)
    this.tools.renewed(tag, false)
    if (learned.owed) await this.pay(learned)
    return true
  }

  private async placeOf(tag: Tag): Promise<string | undefined> {
    const digest = await this.tools.digest(firstItems(4, [tag.scope, tag.kind, tag.value]))
    return digest && hex(digest.slice(0, 8))
  }
}

/** The storage, if there is one, has it too. */
function isSettled({ shared, place }: Known): boolean {
  return shared || place === undefined
}

/** What a token's bytes in storage begin with: "RPRT", format 1, and three zeros. */
const record = Uint8Array.of(0x52, 0x50, 0x52, 0x54, 1, 0, 0, 0)

function recordOf(pair: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(record.length + 8)
  bytes.set(record)
  bytes.set(pair.subarray(8), record.length)
  return bytes
}

/** Of a pair: from here on are the bytes that are drawn anew to expire. */
const softFrom = 13

/** Is the token another than the pair's, as far as byte `to` of the pair? */
function differsFrom(pair: Uint8Array, token: Uint8Array, to: number): boolean {
  return token.subarray(0, to - 8).some((byte, i) => byte !== pair[8 + i])
}

/** What a tag has had, once its pair is `next`: a whole token that was outdated, or the first bytes of all that are dead. */
function retiredBy({ pair, retired }: Known, next: Uint8Array): string[] {
  const dead = differsFrom(pair, next.subarray(8), softFrom)
  return [...retired.slice(-15), hex(dead ? pair.subarray(8, softFrom) : pair.subarray(8))]
}

function isRetired({ retired }: Known, token: Uint8Array): boolean {
  return retired.includes(hex(token)) || retired.includes(hex(token.subarray(0, softFrom - 8)))
}

function pairOf(number: Uint8Array, token: Uint8Array): Uint8Array {
  const pair = new Uint8Array(16)
  pair.set(number)
  pair.set(token, 8)
  return pair
}

/** These pairs, and those of `more` whose tags are not among them: what an entry depended on. */
export function united(pairs: Uint8Array, more: Uint8Array): Uint8Array {
  const numbers = new Set<string>()
  for (let at = 0; at < pairs.length; at += 16) numbers.add(hex(pairs.subarray(at, at + 8)))
  const all = [...pairs]
  for (let at = 0; at < more.length; at += 16) {
    const number = hex(more.subarray(at, at + 8))
    if (!numbers.has(number)) all.push(...more.subarray(at, at + 16))
    numbers.add(number)
  }
  return Uint8Array.from(all)
}

/** What tells a tag from all others. */
export function tagName(tag: Tag): string {
  const { scope, kind, value } = tag
  // Without a scope, which is most, there is nothing that could be mistaken for something else. (No kind begins with `[`.)
  return scope === null ? `${kind}:${value ?? ''}` : JSON.stringify([scope, kind, value])
}

export function hex(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}
