import test from 'node:test'
import { memory } from '../../js/storage/memory.js'
import { storageContract } from '../../js/testing/storage.js'

storageContract(
  'memory',
  async () => {
    const entries = new Map<string, Uint8Array>()
    return { open: () => memory(entries), remove: async () => entries.clear() }
  },
  { test },
)
