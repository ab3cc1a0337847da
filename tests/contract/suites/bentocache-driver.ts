/**
 * A storage as an L2 driver of Bentocache, to see whether it holds what others ask of theirs. It is for tests: who has Bentocache has drivers, and who has
 * Reprise needs no Bentocache. Keys of any form become digests, so each value lies beside its key and its end.
 */
import { createHash } from 'node:crypto'
import { BaseDriver } from 'bentocache/drivers/base_driver'
import type { CacheDriver } from 'bentocache/types'
import type { Storage } from '../../../js/storage/storage.js'

interface Item {
  readonly key: string
  readonly value: string
  readonly expiresAt: number | undefined
}

export class StorageDriver extends BaseDriver implements CacheDriver<true> {
  readonly type = 'l2'

  constructor(private readonly storage: Storage, config: { prefix?: string | undefined } = {}) {
    super({ ...config, prefix: config.prefix ?? 'bentocache' })
  }

  namespace(namespace: string): StorageDriver {
    return new StorageDriver(this.storage, { prefix: this.createNamespacePrefix(namespace) })
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.item(nameOf(this.getItemKey(key))))?.value
  }

  async pull(key: string): Promise<string | undefined> {
    const value = await this.get(key)
    await this.delete(key)
    return value
  }

  async set(key: string, value: string, ttlMs?: number): Promise<boolean> {
    const expiresAt = ttlMs === undefined ? undefined : Date.now() + ttlMs
    const item: Item = { key: this.getItemKey(key), value, expiresAt }
    await this.storage.set(nameOf(item.key), new TextEncoder().encode(JSON.stringify(item)), expiresAt === undefined ? {} : { expiresAt })
    return true
  }

  async clear(): Promise<void> {
    for await (const name of this.storage.keys!()) if ((await this.item(name))?.key.startsWith(`${this.prefix}:`)) await this.storage.delete(name)
  }

  async delete(key: string): Promise<boolean> {
    const wasThere = (await this.get(key)) !== undefined
    await this.storage.delete(nameOf(this.getItemKey(key)))
    return wasThere
  }

  async deleteMany(keys: string[]): Promise<boolean> {
    await Promise.all(keys.map(key => this.delete(key)))
    return true
  }

  async disconnect(): Promise<void> {
    await this.storage.close?.()
  }

  private async item(name: string): Promise<Item | undefined> {
    const bytes = await this.storage.get(name)
    const item = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as Item)
    return item?.expiresAt !== undefined && item.expiresAt <= Date.now() ? undefined : item
  }
}

const nameOf = (key: string): string => createHash('sha256').update(key).digest('hex')
