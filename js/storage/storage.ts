/**
 * What a storage is: bytes under names, as small as a Map. It knows nothing of entries, keys or time; what it
 * returns is verified before it is believed, and when it fails the call goes on without it.
 */
export interface Storage {
  /** Others use it too, by its nature: a server, not a folder of this machine. createCache() asks for a `scope` then. Optional. */
  readonly shared?: boolean
  /** The bytes last set under the key, or undefined. They are the caller's: a storage does not change them later. */
  get(key: string): Promise<Uint8Array | undefined>
  /** Keeps the bytes. `hint.expiresAt` (milliseconds since 1970 UTC) says from when on nobody will want them. */
  set(key: string, entry: Uint8Array, hint: StorageHint): Promise<void>
  /**
   * Keeps the bytes unless there are some under the key already, as one step: of many who try at once, one is told true. Optional; without it, processes that
   * meet a tag for the first time at the same moment may take some seconds to agree on its token, and lose what they stored under it meanwhile.
   */
  add?(key: string, entry: Uint8Array): Promise<boolean>
  /** Forgets the key; one that is not there is no error. */
  delete(key: string): Promise<void>
  /** The keys of everything that this storage holds, in any order, a few at a time: `invalidate({ match })` needs it. Optional. */
  keys?(): AsyncIterable<string>
  /** Forgets everything that this storage holds. Optional. */
  clear?(): Promise<void>
  /** Lets go of connections and files. Optional. */
  close?(): Promise<void>
}

export interface StorageHint {
  expiresAt?: number
}
