// The suite that drivers of Bentocache are tested with, unchanged, over one of our storages.

import { test } from '@japa/runner'
import { registerCacheDriverTestSuite } from 'bentocache/test_suite'
import { fileSystem } from '../../../js/storage/file-system.js'
import { memory } from '../../../js/storage/memory.js'
import { redis } from '../../../js/storage/redis.js'
import type { Storage } from '../../../js/storage/storage.js'
import { backendOf } from './backend.js'
import { StorageDriver } from './bentocache-driver.js'

const { kind, place } = backendOf(process.env)
const entries = new Map<string, Uint8Array>()
const open: Record<typeof kind, () => Storage> = { memory: () => memory(entries), 'file-system': () => fileSystem({ directory: place }), redis: () => redis(place) }

test.group(kind, group => {
  registerCacheDriverTestSuite({ test, group, createDriver: (options?: { prefix?: string }) => new StorageDriver(open[kind](), options) })
})
