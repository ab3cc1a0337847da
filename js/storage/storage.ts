/**
 * What a storage is: bytes under names, as small as a Map. It knows nothing of entries, keys or time; what it
 * returns is verified before it is believed, and when it fails the call goes on without it.
 */
export interface Storage {
  /** Others use it too, by its nature: a server, not a folder of this machine. createCache() asks for a `scope` then. Optional. */
  readonly shared?: boolean
  /** What is read may be so old, in milliseconds, though something newer was written: of places that copy later, or keep what was asked for. Absent: never. */
  readonly lateMs?: number
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
  /**
   * The right to compute what is missing under a key, for one at a time of all who share the place; undefined while another has it. Who says nothing for
   * `leaseMs`, or is known to be gone, has lost it. Optional, with `released`: without them each process computes for itself.
   */
  lease?(key: string, leaseMs: number): Promise<Lease | undefined>
  /** Resolves when nobody has the lease of this key any more, or `ms` have passed; it may resolve for nothing. */
  released?(key: string, ms: number): Promise<void>
  /** Tells all others who have subscribed, if it can: nothing depends on it but how soon they hear. Optional, with `subscribe`. */
  publish?(message: Uint8Array): Promise<void>
  /** A copy of what lies under a key is not to be used any more: others have changed that, or the copy is damaged. Of a storage that keeps copies; optional, with `original`. */
  outdated?(key: string): Promise<void>
  /** What get() says where it has no copy, and without making one; a copy may stand for what is lost. Optional, with `outdated`: without them, what is refused of a copy is deleted in the original, too. */
  original?(key: string): Promise<Uint8Array | undefined>
  /** Has the listener told what others publish from now on; the sender may be told, too. Resolves with what ends that. */
  subscribe?(listener: (message: Uint8Array) => void): Promise<() => Promise<void>>
}

/** Somebody's right to compute. */
export interface Lease {
  /** Larger than those of all leases of this key before it (a fencing number). */
  readonly fence: number
  /** For another `leaseMs`; false where it was lost. */
  renew(): Promise<boolean>
  /** Lets the next one have it, and wakes those who wait. */
  release(): Promise<void>
}

export interface StorageHint {
  expiresAt?: number
}
