import assert from 'node:assert/strict'
import test from 'node:test'
import type { CacheEvent } from '../../js/events.js'
import { StorageGuard } from '../../js/storage/guard.js'
import type { Storage } from '../../js/storage/storage.js'
import { virtualClock } from '../../js/testing/index.js'

const bytes = new Uint8Array([1])

function guarded(storage: Partial<Storage>): { guard: StorageGuard; events: CacheEvent[]; background: Promise<unknown>[] } {
  const events: CacheEvent[] = []
  const background: Promise<unknown>[] = []
  const whole: Storage = { get: async () => undefined, set: async () => {}, delete: async () => {}, ...storage }
  return { guard: new StorageGuard(whole, work => background.push(work), event => events.push(event), virtualClock(), 250), events, background }
}

test('A storage that throws, at once or later, is an event and a counter and no rejection', async () => {
  for (const fail of [() => { throw new Error('at once') }, () => Promise.reject(new Error('later'))]) {
    const { guard, events, background } = guarded({ get: fail, set: fail, delete: fail, close: fail })
    assert.equal(await guard.get('k'), undefined)
    assert.deepEqual(await guard.tryGet('k'), { ok: false })
    guard.set('k', bytes, {})
    await guard.delete('k')
    await guard.close()
    await Promise.all(background)
    assert.deepEqual(events.map(event => event.type === 'storage-error' && event.operation), ['get', 'get', 'set', 'delete', 'close'])
    assert.equal(guard.errors, 5)
  }
})

test('Operations on one key keep their order: a deletion is not overtaken by an older write', async () => {
  const order: string[] = []
  let finishSet = (): void => {}
  const { guard } = guarded({
    set: () => { order.push('set begins'); return new Promise(resolve => { finishSet = () => { order.push('set ends'); resolve() } }) },
    delete: async () => { order.push('delete') },
    get: async () => { order.push('get'); return undefined },
  })
  guard.set('k', bytes, {})
  const deleted = guard.delete('k')
  const got = guard.get('k')
  await guard.get('another key')
  finishSet()
  await Promise.all([deleted, got])
  assert.deepEqual(order.filter(step => step !== 'get'), ['set begins', 'set ends', 'delete'])
  assert.equal(order.at(-1), 'get', 'a read waits for the writes before it')
  assert.equal(order.filter(step => step === 'get').length, 2, 'another key waits for nothing')
})

test('settled() waits for every write that was begun, also those begun meanwhile', async () => {
  let ended = 0
  const { guard } = guarded({ set: async () => { await new Promise(resolve => setImmediate(resolve)); if (++ended === 1) guard.set('late', bytes, {}) } })
  guard.set('a', bytes, {})
  await guard.settled()
  assert.equal(ended, 2)
})
