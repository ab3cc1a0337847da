// @keyv/test-suite, unchanged, over a cache: run by vitest, for which it is written, from ../keyv-store.test.ts once for each backend.

import Keyv from 'keyv'
import keyvTestSuite, { keyvIteratorTests } from '@keyv/test-suite'
import * as vitest from 'vitest'
import { createCache } from '../../../js/runtimes/node.js'
import { fileSystem } from '../../../js/storage/file-system.js'
import { keyvStore } from '../../../js/storage/keyv.js'
import { redis } from '../../../js/storage/redis.js'
import { backendOf } from './backend.js'

const { kind, place } = backendOf(process.env)
const storage = { memory: () => false as const, 'file-system': () => fileSystem({ directory: place }), redis: () => redis(place) }[kind]()
const cache = await createCache({ storage, scope: 'suite', storageDeadline: '10s' })
const store = (): ReturnType<typeof keyvStore> => keyvStore(cache)

keyvTestSuite(vitest, Keyv, store)
keyvIteratorTests(vitest, Keyv, store)
vitest.afterAll(() => cache.close())
