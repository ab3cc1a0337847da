/**
 * What is stored with others, in an envelope: a storage around a storage, which lets through what was sealed under the cache's secret, for the place
 * where it lies, and nothing else. Whoever can write to the storage, and has not the secret, can neither make an entry or a token nor change
 * one, nor put one in another's place. (One that was sealed for this place before, it can put back. docs/security.md has what follows.)
 *
 * Authenticated: the bytes as they were, so that the file system can still tell what an entry is worth, and a trailer behind them: head and
 * HMAC-SHA-256 over bytes, head, key and the key's length (read from the end, each says where the next begins).
 * Encrypted: head, nonce, and AES-256-GCM of the bytes, with head and key as associated data. A nonce is 96 random bits.
 *
 * The head is twelve bytes: "RPRA", format 1, kind, two zeros, and four bytes that tell keys apart, so that what was sealed under
 * another key is known for that and not taken for damaged.
 */
import type { Storage } from './storage.js'

/** `damaged`: under a key of ours, and it does not verify, or is not as it should be here. `foreign`: under another key. `plain`: no envelope that could be recognized. */
export type Refusal = 'damaged' | 'foreign' | 'plain'

/** Told what lies there, as it lies there. */
export type Refused = (why: Refusal, bytes: Uint8Array) => void

export interface Enveloped extends Storage {
  /** What is refused is undefined. `refused` is told of it in place of whom the storage tells else. */
  get(key: string, refused?: Refused): Promise<Uint8Array | undefined>
  original?(key: string, refused?: Refused): Promise<Uint8Array | undefined>
}

/** Puts bytes into an envelope for a key, and takes them out again. */
export interface Sealer {
  seal(key: string, bytes: Uint8Array): Promise<Uint8Array>
  /** Never rejects for what the bytes are. */
  open(key: string, sealed: Uint8Array): Promise<Uint8Array | Refusal>
}

/** AES-256-GCM under one key, at once or later; what is sealed ends with the tag of 16 bytes. */
export interface Aead {
  seal(nonce: Uint8Array, bytes: Uint8Array, associated: Uint8Array): Uint8Array | Promise<Uint8Array>
  /** Undefined where it does not verify. */
  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
}

/** Something that depends on a secret key, and four bytes that tell that key from others. */
export interface Keyed<T> {
  readonly id: Uint8Array
  readonly by: T
}

export type Mac = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>

const magic = [0x52, 0x50, 0x52, 0x41]
const format = 1
const isAuthenticated = 1
const isEncrypted = 2
const headSize = 12
const macSize = 32
const nonceSize = 12
const tagSize = 16
/** Keys of tokens have so many digits. */
const tokenKey = 16
const trailerSize = headSize + macSize

/** The storage, seen through its envelopes. Whatever else it can do passes as it is. `refused` is told whether there may be more behind what it is told of, a copy. */
export function envelope(storage: Storage, sealer: Sealer, refused: (key: string, isCopy: boolean) => void): Enveloped {
  /** What is no bytes is for who asks to judge. */
  async function opened(key: string, sealed: Uint8Array | undefined): Promise<Uint8Array | Refusal | undefined> {
    // (As is-a.ts asks: what the core's file and a file that is loaded later have in common is a third file.)
    return sealed === undefined || Object.prototype.toString.call(sealed) !== '[object Uint8Array]' ? sealed : sealer.open(key, sealed)
  }
  /** What is refused is told, and undefined. */
  function told(key: string, sealed: Uint8Array | undefined, found: Uint8Array | Refusal | undefined, tell: Refused = () => refused(key, false)): Uint8Array | undefined {
    if (typeof found !== 'string') return found
    tell(found, sealed!)
    return undefined
  }
  const through: Partial<Enveloped> = {
    async get(key, tell) {
      const sealed = await storage.get(key)
      const found = await opened(key, sealed)
      if (typeof found !== 'string' || storage.original === undefined) return told(key, sealed, found, tell)
      await storage.outdated?.(key)
      const original = await storage.original(key)
      if (original !== undefined && isSame(sealed!, original)) return told(key, sealed, found, tell)
      refused(key, true)
      return told(key, original, await opened(key, original), tell)
    },
    ...(storage.original && {
      async original(key: string, tell?: Refused) {
        const sealed = await storage.original!(key)
        return told(key, sealed, await opened(key, sealed), tell)
      },
    }),
    async set(key, entry, hint) {
      await storage.set(key, await sealer.seal(key, entry), hint)
    },
    ...(storage.add && { add: async (key: string, entry: Uint8Array) => storage.add!(key, await sealer.seal(key, entry)) }),
  }
  // Of an object of its own: what is frozen must not be shown otherwise.
  return new Proxy({} as Enveloped, {
    get(_, name) {
      if (Object.hasOwn(through, name)) return through[name as keyof Enveloped]
      const found: unknown = Reflect.get(storage, name)
      return typeof found === 'function' ? found.bind(storage) : found
    },
  })
}

/** HMAC-SHA-256 behind the bytes. */
export function authenticated(mac: Keyed<Mac>): Sealer {
  const head = headOf(isAuthenticated, mac.id)
  /** What the code is made of. */
  const draft = (key: string, bytes: Uint8Array): Uint8Array => {
    const name = utf8.encode(key)
    return joined(bytes, head, name, Uint8Array.of(name.length))
  }
  return {
    async seal(key, bytes) {
      return joined(bytes, head, await mac.by(draft(key, bytes)))
    },
    async open(key, sealed) {
      const size = sealed.length - trailerSize
      if (!hasHead(sealed, size, isAuthenticated)) return hasHead(sealed, 0, isEncrypted) ? 'foreign' : 'plain'
      if (!begins(sealed.subarray(size), head)) return 'foreign'
      const bytes = viewOf(sealed, 0, size)
      return isSame(await mac.by(draft(key, bytes)), sealed.subarray(size + headSize)) ? bytes : 'damaged'
    },
  }
}

/**
 * AES-256-GCM under the first key; what was sealed under one of the others is opened, too. Tokens are authenticated: they are random numbers, and
 * would be lost, and with them all entries, with the last process that has the key they were written under.
 */
export function encrypted(keys: readonly Keyed<Aead>[], randomBytes: (count: number) => Uint8Array, mac: Keyed<Mac>): Sealer {
  const all = keys.map(({ id, by }) => ({ head: headOf(isEncrypted, id), by }))
  const plainHead = headOf(isAuthenticated, mac.id)
  const tokens = authenticated(mac)
  return {
    async seal(key, bytes) {
      if (key.length === tokenKey) return tokens.seal(key, bytes)
      const { head, by } = all[0]!
      const nonce = randomBytes(nonceSize)
      return joined(head, nonce, await by.seal(nonce, bytes, joined(head, utf8.encode(key))))
    },
    async open(key, sealed) {
      if (key.length === tokenKey) return tokens.open(key, sealed)
      if (!hasHead(sealed, 0, isEncrypted)) {
        const trailer = sealed.subarray(Math.max(0, sealed.length - trailerSize))
        // It was not encrypted then. It is to be now.
        return begins(trailer, plainHead) ? 'damaged' : hasHead(trailer, 0, isAuthenticated) ? 'foreign' : 'plain'
      }
      const found = all.find(({ head }) => begins(sealed, head))
      if (found === undefined) return 'foreign'
      if (sealed.length < headSize + nonceSize + tagSize) return 'damaged'
      const { head, by } = found
      const from = headSize + nonceSize
      const opened = await by.open(viewOf(sealed, headSize, nonceSize), viewOf(sealed, from, sealed.length - from), joined(head, utf8.encode(key)))
      return opened ?? 'damaged'
    },
  }
}

/** Does this look like something in an envelope? */
export function isEnveloped(bytes: Uint8Array): boolean {
  return hasHead(bytes, 0, isEncrypted) || hasHead(bytes, bytes.length - trailerSize, isAuthenticated)
}

/** By WebCrypto. Only where there is one: pages that did not come over https have none. */
export function webAead(key: Uint8Array): Aead {
  const { subtle } = crypto
  const imported = subtle.importKey('raw', key as BufferSource, 'AES-GCM', false, ['encrypt', 'decrypt'])
  // Who uses it hears of it.
  imported.catch(() => {})
  const parameters = (iv: Uint8Array, additionalData: Uint8Array): AesGcmParams => ({ name: 'AES-GCM', iv: iv as BufferSource, additionalData: additionalData as BufferSource })
  return {
    async seal(nonce, bytes, associated) {
      return new Uint8Array(await subtle.encrypt(parameters(nonce, associated), await imported, bytes as BufferSource))
    },
    async open(nonce, sealed, associated) {
      const key = await imported
      // It rejects with an OperationError, whatever was changed.
      return subtle.decrypt(parameters(nonce, associated), key, sealed as BufferSource).then(bytes => new Uint8Array(bytes), () => undefined)
    },
  }
}

const utf8 = new TextEncoder()

function headOf(kind: number, id: Uint8Array): Uint8Array {
  return Uint8Array.of(...magic, format, kind, 0, 0, ...id)
}

/** Is there a head of this kind at this place, whatever key it tells of? */
function hasHead(bytes: Uint8Array, at: number, kind: number): boolean {
  return at >= 0 && begins(bytes.subarray(at), [...magic, format, kind, 0, 0])
}

function begins(bytes: Uint8Array, beginning: ArrayLike<number>): boolean {
  for (let i = 0; i < beginning.length; i++) if (bytes[i] !== beginning[i]) return false
  return true
}

/** In a time that does not tell where they differ. */
function isSame(a: Uint8Array, b: Uint8Array): boolean {
  let differences = a.length ^ b.length
  for (let i = 0; i < a.length; i++) differences |= a[i]! ^ b[i]!
  return differences === 0
}

/** A storage may give a Buffer, whose parts are Buffers. */
function viewOf(bytes: Uint8Array, from: number, size: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, size)
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, { length }) => size + length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}
