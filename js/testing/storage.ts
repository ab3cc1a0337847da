/**
 * `reprise/testing/storage`: what every storage must do, whatever it is made of. An adapter's test calls storageContract() with a way to make an
 * empty storage, and to open the same one a second time, as another process would.
 *
 * It runs wherever there is a function `test(name, body)`: node:test, vitest, jest, bun, a page.
 */
import { isBytes } from '../is-a.js'
import type { Storage } from '../storage/storage.js'

/** Where entries are: a folder, a database, a Map. */
export interface Place {
  /** A storage over this place. What one keeps, another one opened later finds. */
  open(): Storage | Promise<Storage>
  /** Removes all of it, after the storages were closed. */
  remove(): Promise<unknown>
}

export interface ContractOptions {
  /** Registers a test. Default: the global `test`, as vitest (with globals), jest and bun have it, else that of node:test. */
  test?: (name: string, body: () => Promise<void>) => unknown
}

/** Registers a dozen tests, each with an empty place of its own. `name` begins their names. */
export function storageContract(name: string, makePlace: () => Promise<Place>, options: ContractOptions = {}): void {
  const test = options.test ?? testOfRuntime()

  const check = (what: string, body: (storage: Storage, another: () => Promise<Storage>) => Promise<void>): void => {
    test(`${name}: ${what}`, async () => {
      const place = await makePlace()
      const opened: Storage[] = []
      const open = async (): Promise<Storage> => {
        const storage = await place.open()
        opened.push(storage)
        return storage
      }
      try {
        await body(await open(), open)
      } finally {
        for (const storage of opened) await storage.close?.()
        await place.remove()
      }
    })
  }

  check('what was never set is undefined', async storage => {
    same(await storage.get(key(1)), undefined, 'get() of a key that was never set')
  })

  check('what was set comes back byte for byte, as a Uint8Array', async storage => {
    for (const content of [bytes(), bytes(0), bytes(0, 255, 10, 13), new Uint8Array(1_000_000).map((_, i) => i * 7)]) {
      await storage.set(key(1), content, {})
      const found = await storage.get(key(1))
      same(found, content, `get() after set() of ${content.length} bytes`)
      must(Object.getPrototypeOf(found) === Uint8Array.prototype, 'get() returned a subclass of Uint8Array (Buffer?). Return new Uint8Array(found), or a view of it.')
    }
  })

  check('a second set replaces the first', async storage => {
    await storage.set(key(1), bytes(1, 2, 3), {})
    await storage.set(key(1), bytes(4), { expiresAt: Date.now() + 1e6 })
    same(await storage.get(key(1)), bytes(4), 'get() after a second set()')
  })

  check('keys do not meet, long ones or short ones', async storage => {
    const keys = [key(1), key(2), key(1).slice(0, 16), `${key(1)}${key(2)}`]
    for (const [i, name] of keys.entries()) await storage.set(name, bytes(i), {})
    for (const [i, name] of keys.entries()) same(await storage.get(name), bytes(i), `get('${name}')`)
  })

  check('the bytes belong to their caller: changing them changes nothing that is stored', async storage => {
    const content = bytes(1, 2, 3)
    await storage.set(key(1), content, {})
    content[0] = 9
    const found = (await storage.get(key(1)))!
    found[1] = 9
    same(await storage.get(key(1)), bytes(1, 2, 3), 'get() after the bytes that went in, and those that came out, were changed')
  })

  check('a view into a larger buffer is stored as the view', async storage => {
    await storage.set(key(1), bytes(1, 2, 3, 4).subarray(1, 3), {})
    same(await storage.get(key(1)), bytes(2, 3), 'get() after set() of subarray(1, 3)')
  })

  check('what was deleted is gone, and deleting nothing is no error', async storage => {
    await storage.set(key(1), bytes(1), {})
    await storage.set(key(2), bytes(2), {})
    await storage.delete(key(1))
    await storage.delete(key(1))
    same(await storage.get(key(1)), undefined, 'get() after delete()')
    same(await storage.get(key(2)), bytes(2), 'get() of another key after delete()')
  })

  check('another process that opens it finds what was set', async (storage, another) => {
    await storage.set(key(1), bytes(1), {})
    const other = await another()
    same(await other.get(key(1)), bytes(1), 'get() of a second storage over the same place')
    await other.set(key(1), bytes(2), {})
    same(await storage.get(key(1)), bytes(2), 'get() after the second storage replaced it')
    await other.delete(key(1))
    same(await storage.get(key(1)), undefined, 'get() after the second storage deleted it')
  })

  check('many operations at once all take effect, and a reader never sees half of a write', async (storage, another) => {
    const other = await another()
    for (const size of [2_000, 200_000]) {
      const full = (value: number): Uint8Array => new Uint8Array(size).fill(value)
      await storage.set(key(0), full(0), {})
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          await storage.set(key(0), full(i), {})
          const found = (await other.get(key(0)))!
          must(found?.length === size && found.every(byte => byte === found[0]), `get() while others set() the same key returned neither the old nor the new ${size} bytes. Write elsewhere, then rename; or use a transaction.`)
          await storage.set(key(i + 1), bytes(i), {})
        }),
      )
      for (let i = 0; i < 40; i++) same(await storage.get(key(i + 1)), bytes(i), `get() of key ${i} after 40 writes at once`)
    }
  })

  check('add, where there is one, keeps what is there: of many at once one is told true, and it is its bytes that stay', async (storage, another) => {
    if (storage.add === undefined) return
    const other = await another()
    must(await storage.add(key(1), bytes(1)), 'add() where nothing was answered false.')
    must(!(await other.add!(key(1), bytes(2))), 'add() where something was answered true.')
    same(await other.get(key(1)), bytes(1), 'get() after a second add()')
    await storage.delete(key(1))
    must(await other.add!(key(1), bytes(3)), 'add() after delete() answered false.')
    const told = await Promise.all(Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? storage : other).add!(key(2).slice(48), bytes(i))))
    must(told.filter(Boolean).length === 1, `add() answered true to ${told.filter(Boolean).length} of 40 who called it at once.`)
    same(await storage.get(key(2).slice(48)), bytes(told.indexOf(true)), 'get() after 40 calls of add() at once')
  })

  check('lease, where there is one, is given to one at a time, with a larger number each time, and whoever waits hears of its release', async (storage, another) => {
    if (storage.lease === undefined) return
    const other = await another()
    const first = (await storage.lease(key(1), 60_000))!
    must(first !== undefined, 'lease() of a key that nobody has leased answered undefined.')
    must((await other.lease!(key(1), 60_000)) === undefined, 'lease() of a key that another has leased must answer undefined.')
    must((await storage.lease(key(2), 60_000)) !== undefined, 'lease() of another key answered undefined.')
    must(await first.renew(), 'renew() of a lease that is held answered false.')
    let woken = false
    const waiting = other.released!(key(1), 60_000).then(() => (woken = true))
    await other.released!(key(1), 1)
    must(!woken, 'released() resolved though the lease is held, and its time is not over.')
    await first.release()
    await waiting
    const second = (await other.lease!(key(1), 60_000))!
    must(second?.fence > first.fence, `the fence of the second lease is ${second?.fence}, that of the first ${first.fence}. It has to be larger.`)
    must(!(await first.renew()), 'renew() of a lease that was given back, and that another has by now, answered true.')
    await second.release()
    const some = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? storage : other).lease!(key(3), 60_000)))
    must(some.filter(Boolean).length === 1, `lease() was given to ${some.filter(Boolean).length} of 20 who asked at once.`)
    same(await storage.get(key(3)), undefined, 'get() of a key that was leased and never set')
    if (storage.keys !== undefined) for await (const name of storage.keys()) must(false, `keys() lists ${name}, which was leased and never set.`)
  })

  check('publish, where there is one, is heard by all who subscribed', async (storage, another) => {
    if (storage.publish === undefined) return
    const other = await another()
    const heard: string[] = []
    let all!: () => void
    const twice = new Promise<void>(resolve => { all = resolve })
    const end = await other.subscribe!(message => {
      must(Object.getPrototypeOf(message) === Uint8Array.prototype, 'a listener was given something else than a Uint8Array.')
      if (heard.push([...message].join(' ')) === 2) all()
    })
    await storage.publish(bytes(1, 2, 255))
    await storage.publish(bytes(0))
    await twice
    // In whichever order.
    must(heard.sort().join(', ') === '0, 1 2 255', `listeners heard [${heard.join(', ')}], where [1 2 255] and [0] were published.`)
    await end()
  })

  check('keys, where there are any, are those of what is there, each once', async (storage, another) => {
    if (storage.keys === undefined) return
    const listed = async (): Promise<string> => {
      const keys: string[] = []
      for await (const key of (await another()).keys!()) keys.push(key)
      return keys.sort().join('\n')
    }
    must((await listed()) === '', 'keys() of an empty storage lists something. List only what set() was given.')
    const keys = Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? key(i) : key(i).slice(48)))
    for (const name of keys) await storage.set(name, bytes(1), {})
    await storage.delete(keys.pop()!)
    await storage.set(keys[0]!, bytes(2), {})
    const found = await listed()
    must(found === keys.sort().join('\n'), `keys() after 30 keys were set and one deleted lists other keys than the 29 that are there, or not each once:\n${found}`)
  })

  check('original, where there is one, says what get says, and goes on when a copy is outdated', async storage => {
    if (storage.original === undefined) return
    must(typeof storage.outdated === 'function', 'there is an original() and no outdated(). A storage that keeps copies has both.')
    same(await storage.original(key(1)), undefined, 'original() of a key that was never set')
    await storage.set(key(1), bytes(1), {})
    await storage.outdated(key(1))
    same(await storage.original(key(1)), bytes(1), 'original() of a key whose copy is outdated')
    same(await storage.get(key(1)), bytes(1), 'get() of a key whose copy is outdated')
  })

  check('clear, where there is one, forgets everything', async storage => {
    const keys = [key(1), key(2), key(3).slice(48)]
    for (const name of keys) await storage.set(name, bytes(1), {})
    await storage.clear?.()
    if (storage.clear !== undefined) for (const name of keys) same(await storage.get(name), undefined, `get('${name}') after clear()`)
    await storage.set(key(1), bytes(2), {})
    same(await storage.get(key(1)), bytes(2), 'get() of what was set after clear()')
  })
}

/** Keys are hexadecimal digits: 64 those of entries, 16 those of tokens. */
const key = (n: number): string => n.toString(16).padStart(64, '0')
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

function must(isSo: boolean, message: string): asserts isSo {
  if (!isSo) throw new Error(message)
}

function same(found: unknown, expected: Uint8Array | undefined, what: string): void {
  if (expected === undefined) return must(found === undefined, `${what} is ${shown(found)}. It must be undefined (not null, not empty bytes).`)
  const right = isBytes(found) && found.length === expected.length && found.every((byte, i) => byte === expected[i])
  must(right, `${what} is ${shown(found)}, not ${shown(expected)}.`)
}

function shown(value: unknown): string {
  if (!isBytes(value)) return value === null || typeof value !== 'object' ? String(value) : Object.prototype.toString.call(value)
  return `${value.length} bytes [${value.slice(0, 8).join(' ')}${value.length > 8 ? ' …' : ''}]`
}

function testOfRuntime(): NonNullable<ContractOptions['test']> {
  // Types of Node and of test runners are none of ours here.
  type Found = NonNullable<ContractOptions['test']> | undefined
  const runtime = globalThis as { test?: Found; process?: { getBuiltinModule?: (name: string) => { test?: Found } | undefined } }
  const found = typeof runtime.test === 'function' ? runtime.test : runtime.process?.getBuiltinModule?.('node:test')?.test
  if (found === undefined) throw new TypeError("storageContract: there is no test function here. Give yours: storageContract(name, makePlace, { test }).")
  return found
}
