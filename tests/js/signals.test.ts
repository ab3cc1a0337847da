/** Abort signals among arguments: the caller's own ends its wait, the function gets the computation's. */
import assert from 'node:assert/strict'
import test from 'node:test'
import { signalIn, withSignal } from '../../js/signals.js'
import { bench, gate, until } from './harness.js'

test('A signal is found as an argument or as a member of a plain object; of several, any of them counts', () => {
  const [one, two] = [new AbortController(), new AbortController()]
  assert.equal(signalIn([1, 'x', null, undefined, {}]), undefined)
  assert.equal(signalIn([one.signal]), one.signal)
  assert.equal(signalIn(['x', { signal: one.signal, n: 1 }]), one.signal)
  assert.equal(signalIn([{ any: one.signal }]), one.signal)
  assert.equal(signalIn([[one.signal], { deep: { signal: one.signal } }, new (class { signal = one.signal })()]), undefined)
  const both = signalIn([one.signal, { signal: two.signal }])!
  assert.equal(both.aborted, false)
  two.abort('the second')
  assert.deepEqual([both.aborted, both.reason], [true, 'the second'])
})

test('The function\'s arguments are the caller\'s, with another signal; the caller\'s objects are left as they are', () => {
  const [own, other] = [new AbortController().signal, new AbortController().signal]
  const options = { signal: own, n: 1 }
  const plain = { n: 2 }
  const [first, second, third] = withSignal([own, options, plain], other)
  assert.deepEqual([first, second], [other, { signal: other, n: 1 }])
  assert.equal(third, plain)
  assert.equal(options.signal, own)
})

test('A getter among the arguments is not asked for signals: it may do anything', async () => {
  let asked = 0
  const lazy = { id: 1, get profile(): Promise<number> { asked++; return inner(2) } }
  assert.equal(signalIn([lazy]), undefined)
  const { cache } = await bench()
  const inner = cache.wrap(async (n: number) => n, { name: 'inner' })
  const load = cache.wrap(async (request: { id: number }) => `of ${request.id}`, { name: 'load', key: request => request.id })
  assert.deepEqual([await load(lazy), await load(lazy), await load({ id: 2 }), asked], ['of 1', 'of 1', 'of 2', 0])
})

test('A signal is no part of a key, and the function never sees the first caller\'s', async () => {
  const { cache } = await bench()
  const answer = gate<string>()
  const seen: unknown[] = []
  const ask = cache.wrap((prompt: string, options?: { signal?: AbortSignal; n?: number }) => { seen.push(options?.signal); return answer.promise.then(text => `${prompt} ${text} ${options?.n}`) }, { name: 'ask' })
  const { signal } = new AbortController()
  const asks = [ask('x', { signal, n: 1 }), ask('x', { n: 1 }), ask('x', { n: 1, signal: new AbortController().signal })]
  answer.open('answered')
  assert.deepEqual(await Promise.all(asks), Array(3).fill('x answered 1'))
  assert.equal(seen.length, 1)
  assert.ok(seen[0] instanceof AbortSignal && seen[0] !== signal)
})

test('The last to leave ends the computation; who comes then begins another', async () => {
  const { cache, transcript } = await bench()
  const signals: AbortSignal[] = []
  const ask = cache.wrap((_: string, { signal }: { signal: AbortSignal }) => {
    signals.push(signal)
    return new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  }, { name: 'ask' })
  const [one, two] = [new AbortController(), new AbortController()]
  const asks = [ask('x', { signal: one.signal }), ask('x', { signal: two.signal })]
  await until(() => signals.length === 1)
  one.abort()
  assert.equal(signals[0]!.aborted, false)
  two.abort()
  assert.equal(signals[0]!.aborted, true)
  assert.match(String(signals[0]!.reason), /AbortError: Nobody waits for the result any more/)
  for (const end of asks) await assert.rejects(end, { name: 'AbortError' })
  const three = new AbortController()
  const third = ask('x', { signal: three.signal })
  await until(() => signals.length === 2)
  three.abort(new Error('the third, too'))
  await assert.rejects(third, /the third, too/)
  assert.equal(transcript().filter(line => line === 'miss:absent').length, 3)
})

test('A signal that has aborted before the call starts nothing, whether with() gave it or the arguments have it', async () => {
  const { cache } = await bench()
  let runs = 0
  const ask = cache.wrap(async (_: string, _options?: { signal: AbortSignal }) => ++runs, { name: 'ask' })
  await assert.rejects(ask('x', { signal: AbortSignal.abort(new Error('too late')) }), /too late/)
  await assert.rejects(ask.with({ signal: AbortSignal.abort(new Error('also')) })('x'), /also/)
  assert.equal(runs, 0)
  await assert.rejects(ask.with({ signal: new AbortController().signal })('x', { signal: AbortSignal.abort(new Error('beside')) }), /beside/)
  await assert.rejects(ask.with({ signal: AbortSignal.abort(new Error('given')) })('x', { signal: new AbortController().signal }), /given/)
  assert.equal(runs, 0)
  assert.throws(() => ask.with({ signal: {} as AbortSignal }), /^OptionError: signal: .* is not an AbortSignal/)
  assert.throws(() => ask.with({ sginal: 1 } as never), /with: sginal: there is no such option/)
})
