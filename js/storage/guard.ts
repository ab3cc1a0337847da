/**
 * A storage as the calls see it: one that cannot fail. What goes wrong is an event and a counter, and the answer is as
 * if nothing were stored. Writes go on behind the caller's back, one after the other for each key, so that a
 * deletion is never overtaken by an older write; settled() waits for all of them.
 */
import type { EventListener, StorageOperation } from '../events.js'
import type { Storage, StorageHint } from './storage.js'

export class StorageGuard {
  errors = 0
  private readonly last = new Map<string, Promise<void>>()

  constructor(
    private readonly storage: Storage,
    private readonly background: (work: Promise<unknown>) => void,
    private readonly emit: EventListener | undefined,
  ) {}

  /** The bytes under a key; undefined where there are none or the storage failed. */
  async get(key: string): Promise<Uint8Array | undefined> {
    await this.last.get(key)
    return (await this.tryGet(key)).bytes
  }

  /** The same, telling an empty place from a failure. */
  async tryGet(key: string): Promise<{ ok: boolean; bytes?: Uint8Array | undefined }> {
    try {
      return { ok: true, bytes: await this.storage.get(key) }
    } catch (error) {
      this.failed('get', error)
      return { ok: false }
    }
  }

  set(key: string, entry: Uint8Array, hint: StorageHint): void {
    this.background(this.enqueue(key, 'set', () => this.storage.set(key, entry, hint)))
  }

  /** Resolves when the storage has forgotten the key, or failed to. */
  delete(key: string): Promise<void> {
    const work = this.enqueue(key, 'delete', () => this.storage.delete(key))
    this.background(work)
    return work
  }

  /** Resolves when the writes of this key that were begun so far have ended. */
  async written(key: string): Promise<void> {
    await this.last.get(key)
  }

  async close(): Promise<void> {
    await this.settled()
    try {
      await this.storage.close?.()
    } catch (error) {
      this.failed('close', error)
    }
  }

  /** All writes begun so far have ended. */
  async settled(): Promise<void> {
    while (this.last.size > 0) await Promise.all(this.last.values())
  }

  private enqueue(key: string, operation: StorageOperation, work: () => Promise<void>): Promise<void> {
    const before = this.last.get(key) ?? Promise.resolve()
    const done = before
      .then(work)
      .catch((error: unknown) => this.failed(operation, error))
      .then(() => {
        if (this.last.get(key) === done) this.last.delete(key)
      })
    this.last.set(key, done)
    return done
  }

  private failed(operation: StorageOperation, error: unknown): void {
    this.errors++
    this.emit?.({ type: 'storage-error', operation, error })
  }
}
