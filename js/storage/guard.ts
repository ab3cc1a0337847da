/**
 * A storage as the calls see it: one that cannot fail. What goes wrong is an event and a counter, and the answer is as
 * if nothing were stored. Writes go on behind the caller's back, one after the other for each key, so that a
 * deletion is never overtaken by an older write; settled() waits for all of them.
 */
import { StorageError } from '../errors.js'
import type { EventListener, StorageOperation } from '../events.js'
import type { Storage, StorageHint } from './storage.js'

export class StorageGuard {
  errors = 0
  /** Keys that could not be deleted: whatever the storage still has there, it does not count. */
  private readonly owed = new Set<string>()
  private readonly last = new Map<string, Promise<boolean>>()

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
    if (this.owed.has(key) && !(await this.delete(key))) return { ok: false }
    try {
      return { ok: true, bytes: await this.storage.get(key) }
    } catch (error) {
      this.failed('get', error)
      return { ok: false }
    }
  }

  set(key: string, entry: Uint8Array, hint: StorageHint): void {
    void this.put(key, entry, hint)
  }

  /** The same; says, when it has ended, whether it worked. */
  put(key: string, entry: Uint8Array, hint: StorageHint): Promise<boolean> {
    return this.enqueue(key, 'set', async () => {
      await this.storage.set(key, entry, hint)
      this.owed.delete(key)
    })
  }

  /** Resolves when the storage has forgotten the key, or failed to, and says which. Where it failed, that is tried again before the key is read. */
  delete(key: string): Promise<boolean> {
    return this.enqueue(key, 'delete', async () => {
      this.owed.add(key)
      await this.storage.delete(key)
      this.owed.delete(key)
    })
  }

  /** The storage can say what it holds. */
  get lists(): boolean {
    return typeof this.storage.keys === 'function'
  }

  /** What it holds. Rejects with StorageError where it fails: who asked for all must not take some for them. */
  async *keys(): AsyncIterable<string> {
    try {
      yield* this.storage.keys!()
    } catch (error) {
      this.failed('keys', error)
      throw new StorageError('the storage could not list what it holds, so not all of it was looked at.', { cause: error })
    }
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

  private enqueue(key: string, operation: StorageOperation, work: () => Promise<void>): Promise<boolean> {
    const before = this.last.get(key) ?? Promise.resolve()
    const done: Promise<boolean> = before
      .then(work)
      .then(
        () => true,
        (error: unknown) => {
          this.failed(operation, error)
          return false
        },
      )
      .finally(() => {
        if (this.last.get(key) === done) this.last.delete(key)
      })
    this.last.set(key, done)
    this.background(done)
    return done
  }

  private failed(operation: StorageOperation, error: unknown): void {
    this.errors++
    this.emit?.({ type: 'storage-error', operation, error })
  }
}
