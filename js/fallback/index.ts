/**
 * The core where WebAssembly is refused, as by a page whose policy does not have `wasm-unsafe-eval`: a twin in TypeScript of what
 * bindings/ offers. Keys, entries, verdicts and counters are the same (tests/fallback holds one against the other, call by
 * call), so all that is above the boundary runs on it as it is.
 *
 * The block that C++ and JavaScript share is a buffer of its own here, at address 0, and never grows: entries lie elsewhere, and
 * payloads are read in pieces, by read_payload. There is no compression, and eviction is simpler (eviction.ts).
 */
import { boundaryVersion, type CoreExports, type CoreInstance, inboxSize, maxTokens, noSlot, offset, status, tokenSize, verdict } from '../boundary.js'
import { Cache, type Draft } from './cache.js'
import { KeyDigest } from './digest.js'
import { EntryReader, preamble, Sealer } from './entry.js'
import { forever, type Lifetime, lifetime, millis } from './lifetime.js'
import { wordsOf } from './table.js'

/** Behind the block: the 22 numbers that stats() leaves. */
const statsAt = offset.inbox + inboxSize
const blockSize = statsAt + 22 * 8

/** By which js/results.ts knows it. */
const trapName = 'CoreTrap'

/** A core for one cache, as an instance of the module is. */
export function fallback(): CoreInstance {
  const buffer = new ArrayBuffer(blockSize)
  const bytes = new Uint8Array(buffer)
  const words = new Uint32Array(buffer)
  const numbers = new Float64Array(buffer)
  const key = words.subarray(offset.key / 4, offset.key / 4 + 4)
  const storageKey = bytes.subarray(offset.storage_key, offset.storage_key + 32)
  const tokens = new BigUint64Array(buffer, offset.tokens, (maxTokens * tokenSize) / 8)
  const inbox = bytes.subarray(offset.inbox, offset.inbox + inboxSize)

  let cache!: Cache
  let digest!: KeyDigest
  let draft: Draft = { kind: 0, life: lifetime(0n, 0n, 0n, forever), costMs: 0, payloadSize: 0, tokens: tokens.slice(0, 0), insists: false }
  let sealer = new Sealer(0)
  let read: number = status.ok
  let entrySize = 0
  const reader = new EntryReader()

  /** Of the entry that a verb found: what `facts()` are read from. */
  const show = (slot: number, life: Lifetime, costMs: number, payloadSize: number, kind: number): void => {
    words[offset.slot / 4] = slot
    numbers[offset.created / 8] = Number(life.created)
    numbers[offset.fresh_until / 8] = Number(life.freshUntil)
    numbers[offset.stale_until / 8] = Number(life.staleUntil)
    numbers[offset.cost_ms / 8] = costMs
    numbers[offset.payload_size / 8] = payloadSize
    words[offset.kind / 4] = kind
    words[offset.whole / 4] = 0
  }
  const showFound = (): void => {
    const { slot } = cache
    words[offset.slot / 4] = slot
    if (slot === noSlot) return
    const { life, costMs, payload, kind } = cache.at(slot)
    show(slot, life, costMs, payload.length, kind)
  }
  /** A look-up that removed the entry shows none. */
  const showAnswer = (said: number): number => {
    if (said !== verdict.fresh && said !== verdict.stale && said !== verdict.retained) words[offset.slot / 4] = noSlot
    else showFound()
    return said
  }
  const outline = (count: number): DataView => new DataView(buffer, offset.outline, 4 * count)
  const texts = (length: number): DataView => new DataView(buffer, offset.inbox, length)
  const digestKey = (words: number, length: number): void => digest.finish(outline(words), texts(length), key)
  const lookUpKey = (now: number, staleForMs: number): number => showAnswer(cache.lookUp(key, now, staleForMs))

  return {
    exports: trapping({
      memory: { buffer },
      block_address: () => 0,
      feed(words, length) {
        digest.update(outline(words))
        digest.update(texts(length))
      },
      restart: () => digest.restart(),
      digest: digestKey,
      look_up(words, length, now, staleForMs) {
        digestKey(words, length)
        return lookUpKey(now, staleForMs)
      },
      look_up_key: lookUpKey,
      peek: (now, staleForMs) => showAnswer(cache.peek(key, now, staleForMs)),
      store(payloadSize, kind, tokenCount, costMs, ttlMs, staleForMs, idleMs, now, _group, insists) {
        const life = lifetime(millis(now), millis(ttlMs), millis(staleForMs), millis(idleMs))
        draft = { kind, life, costMs, payloadSize, tokens: tokens.slice(0, 2 * tokenCount), insists: insists !== 0 }
        const said = cache.store(key, draft, payloadSize <= inboxSize ? inbox.subarray(0, payloadSize) : undefined, millis(now))
        show(cache.slot, life, costMs, payloadSize, kind)
        return said
      },
      write_payload(from, length) {
        const slot = words[offset.slot / 4]!
        if (slot !== noSlot) cache.at(slot).payload.set(inbox.subarray(0, length), from)
      },
      read_payload(from) {
        const piece = cache.at(words[offset.slot / 4]!).payload.subarray(from, from + inboxSize)
        words[offset.payload_at / 4] = offset.inbox
        inbox.set(piece)
        return piece.length
      },
      redraft() {
        cache.find(key)
        showFound()
        if (cache.slot === noSlot) return
        const { kind, life, costMs, payload, tokens: set } = cache.at(cache.slot)
        draft = { kind, life, costMs, payloadSize: payload.length, tokens: set?.words ?? tokens.slice(0, 0), insists: false }
        tokens.set(draft.tokens)
      },
      seal_begin(payloadSize) {
        const head = preamble({ ...draft, payloadSize }, storageKey)
        bytes.set(head, offset.preamble)
        words[offset.preamble_size / 4] = head.length
        sealer = new Sealer(head.length + payloadSize)
        sealer.feed(head)
        return head.length
      },
      seal_feed: length => void sealer.feed(inbox.subarray(0, length)),
      seal_end: () => bytes.set(sealer.seal(), offset.seal),
      admit_begin(length, total) {
        entrySize = total
        return (read = reader.begin(inbox.subarray(0, length), total, storageKey))
      },
      admit_feed(length) {
        if (read === status.ok) read = reader.feed(inbox.subarray(0, length))
        return read
      },
      admit(now, _group, staleForMs) {
        if (read === status.ok) read = reader.finish()
        const { header, payloadAt } = reader
        const payload = entrySize <= inboxSize && read === status.ok ? inbox.subarray(payloadAt, payloadAt + header.payloadSize) : undefined
        const said = cache.admit(key, read, header, payload, millis(now), staleForMs)
        if (said === status.ok || said === status.stale || said === status.retained) {
          show(cache.slot, header.life, header.costMs, header.payloadSize, header.kind)
          words[offset.payload_at / 4] = payloadAt
        }
        return said
      },
      invalidate: () => Number(cache.invalidate(key)),
      expire: now => Number(cache.expire(key, now)),
      next_labelled(from) {
        cache.nextLabelled(from)
        if (cache.slot !== noSlot) key.set(wordsOf(cache.at(cache.slot).id))
        showFound()
        return cache.slot
      },
      set_token: () => Number(cache.setToken(tokens[0]!, tokens[1]!)),
      forget_token: () => Number(cache.tokens.forget(tokens[0]!)),
      sweep: (now, budget) => cache.sweep(millis(now), budget),
    }),
    control: {
      create(maxBytes, maxEntryBytes, key0, key1, key2, key3) {
        const secret = Uint32Array.of(key0, key1, key2, key3)
        cache = new Cache(maxBytes - blockSize, maxEntryBytes, key0)
        digest = new KeyDigest(secret)
        return 1
      },
      stats() {
        numbers.set(Object.values(cache.stats(blockSize)), statsAt / 8)
        return statsAt
      },
      version: () => boundaryVersion,
    },
  }
}

/** What fails in a verb (for want of memory, or by a mistake of ours) fails as a trap of WebAssembly does: the core is dropped and built anew, and the call goes on. */
function trapping(verbs: CoreExports): CoreExports {
  const trapped = Object.entries(verbs).map(([name, verb]) => {
    if (typeof verb !== 'function') return [name, verb]
    const run = (...numbers: number[]): unknown => {
      try {
        return (verb as (...numbers: number[]) => unknown)(...numbers)
      } catch (cause) {
        throw Object.assign(new Error(`The core in JavaScript failed in ${name}.`, { cause }), { name: trapName })
      }
    }
    return [name, run]
  })
  return Object.fromEntries(trapped) as CoreExports
}
