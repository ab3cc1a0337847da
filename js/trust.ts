/**
 * Who has the cache's secret is trusted, and nobody else: names, authentication and encryption, each by a key of its own that is derived
 * from it, so that what is learned of one says nothing of the others. Loaded only where there is a secret.
 *
 * The secret decides names, so all who share entries have the same one. Keys of encryption may be others (`encrypt: { keys }`), because only
 * they wear out: they can be changed one after the other while names, and so entries, stay.
 */
import type { Emit } from './events.js'
import type { Aead, Enveloped, Keyed, Sealer } from './storage/envelope.js'
import { authenticated, encrypted, envelope, webAead } from './storage/envelope.js'
import type { Digest, Runtime } from './runtimes/runtime.js'
import type { StorageGuard } from './storage/guard.js'
import type { Storage } from './storage/storage.js'

export interface Trust {
  /** The digest that names are made by. */
  readonly names: Digest
  /** What came out of storage and did not verify. */
  badMacs: number
  /** Who deletes what does not; told once there is one. */
  guard: StorageGuard | undefined
  around(storage: Storage): Enveloped
}

/** Rejects with OptionError, which is handed in. */
export async function trustIn(
  { secret, encrypt }: { secret: unknown; encrypt: unknown },
  runtime: Pick<Runtime, 'digest' | 'aead' | 'randomBytes'>,
  emit: Emit | undefined,
  OptionError: new (option: string, problem: string) => Error,
): Promise<Trust> {
  const { digest, aead = webAead } = runtime
  if (secret === undefined) throw new OptionError('encrypt', 'needs a secret, which names entries and which the key is derived from. Give createCache({ secret: …, encrypt: true }).')
  const main = parseSecret('secret', secret)
  const given = encrypt === true ? [main] : encrypt === undefined || encrypt === false ? undefined : parseKeys(encrypt)
  if (given !== undefined && aead === webAead && typeof crypto.subtle !== 'object') throw new OptionError('encrypt', 'there is no AES here: a page has WebCrypto only if it came over https. Leave encrypt out, or serve the page over https.')

  function parseSecret(option: string, secret: unknown): Uint8Array {
    const bytes = (typeof secret === 'string' ? utf8.encode(secret) : secret) as Uint8Array
    // What is wrong with a secret is said without showing it.
    // (As is-a.ts asks, which is not loaded for this alone.)
    if (Object.prototype.toString.call(bytes) !== '[object Uint8Array]') throw new OptionError(option, 'is neither a string nor a Uint8Array. Give at least 16 random bytes.')
    if (bytes.length < 16) throw new OptionError(option, `has ${bytes.length} bytes, which can be guessed. Give at least 16 random ones.`)
    return bytes.slice()
  }

  function parseKeys(encrypt: unknown): Uint8Array[] {
    const { keys, ...others } = (typeof encrypt === 'object' ? (encrypt ?? {}) : {}) as { keys?: unknown }
    if (Object.keys(others).length > 0 || !Array.isArray(keys) || keys.length === 0) {
      throw new OptionError('encrypt', 'is neither true nor an object with keys. Give true, for a key that is derived from the secret, or { keys: [newest, …older] }.')
    }
    return keys.map((key: unknown, i) => parseSecret(`encrypt.keys[${i}]`, key))
  }

  const derived = async (secret: Uint8Array, purpose: string): Promise<Uint8Array> => new Uint8Array(await digest(secret)(utf8.encode(`reprise ${purpose} v1`)))
  const keyed = async <T>(secret: Uint8Array, purpose: string, by: (key: Uint8Array) => T): Promise<Keyed<T>> => {
    const key = await derived(secret, purpose)
    return { id: (await derived(key, 'key id')).slice(0, 4), by: by(key) }
  }
  const sealed = async (): Promise<Sealer> => {
    const mac = await keyed(main, 'entry mac', digest)
    if (given === undefined) return authenticated(mac)
    const keys: Keyed<Aead>[] = []
    for (const key of given) keys.push(await keyed(key, 'entry encryption', aead))
    return encrypted(keys, count => runtime.randomBytes(count), mac)
  }

  let names: Digest
  let sealer: Sealer
  try {
    names = digest(await derived(main, 'names'))
    sealer = await sealed()
  } catch (error) {
    // The platform does not do its part. Without names nothing is asked for in storage, and it is said why.
    const fail = (): never => {
      throw error
    }
    names = fail
    sealer = { seal: async () => fail(), open: async () => fail() }
  }
  const trust: Trust = {
    names,
    badMacs: 0,
    guard: undefined,
    around: storage =>
      envelope(storage, sealer, (key, isCopy) => {
        trust.badMacs++
        emit?.({ type: 'refused', name: null, reason: 'bad-mac', key })
        // A token that cannot be read is written anew by whoever needs it.
        if (key.length === 64 && !isCopy) void trust.guard?.delete(key)
      }),
  }
  return trust
}

const utf8 = new TextEncoder()
