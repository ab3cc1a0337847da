/** The demo in the browser: the two calls of `npm start`, over IndexedDB. */
import { type CacheEvent, createCache } from 'reprise'
import { chat, type ChatCompletion, type ChatRequest } from '../demo/chat.js'
import { paint, type PictureRequest } from '../demo/picture.js'
import { formatBytes } from '../demo/report.js'
import { chatRequest, question } from '../demo/question.js'
import { Card } from './card.js'
import { Journal } from './journal.js'
import { dropEntries, readKept } from './kept.js'
import { showCalls } from './ledger.js'
import { element, make, messageOf } from './page.js'
import { findModel, inWords, pictureAskedIn } from './request.js'
import { verdictOf } from './verdict.js'

const journal = new Journal()
const pictureCard = new Card(element('#paint'))
const chatCard = new Card(element('#chat'))

const cache = await createCache({ ttl: '30d', onEvent: heard })

// What a call needs besides its arguments comes through the closure: arguments are the key.
const paintCached = cache.wrap((request: PictureRequest) => paint(request, { onProgress: showPainting }), { name: 'paint', version: 1 })
const chatCached = cache.wrap((request: ChatRequest) => chat(request, { baseUrl: `${location.origin}/v1`, onToken: tokenWriter() }), { name: 'chat', version: 1 })

offerPicture(pictureAskedIn(location.search))
void offerChat()
element('#forget').addEventListener('click', () => void forget())
void showKept()

function offerPicture(request: PictureRequest): void {
  pictureCard.asks(inWords(request))
  pictureCard.onRun(() => void run('paint', pictureCard, () => paintCached(request), showPicture(request)))
}

async function offerChat(): Promise<void> {
  chatCard.asks(`“${question}”`)
  try {
    const { model, description } = await findModel()
    element('#model').textContent = `Asked of ${model}: ${description}.`
    chatCard.onRun(() => void run('chat', chatCard, () => chatCached(chatRequest(model)), showAnswer))
  } catch (error) {
    chatCard.disable(`No model to ask: ${messageOf(error)}. Start the page with npm start, which brings one.`)
  }
}

/** Makes a call, shows what came of it, and writes it down. */
async function run<T>(name: string, card: Card, answer: () => Promise<T>, show: (value: T) => void): Promise<void> {
  card.start()
  try {
    const { value, row, events } = await journal.observe(name, answer)
    show(value)
    card.finish(verdictOf(row, events))
    showCalls(journal.rows)
  } catch (error) {
    card.fail(messageOf(error))
  }
  await showKept()
}

function showPainting(done: number): void {
  pictureCard.compute('Painting …', done)
}

function showPicture({ scene, width, height }: PictureRequest): (png: Uint8Array) => void {
  let url: string | undefined
  return (png) => {
    if (url !== undefined) URL.revokeObjectURL(url)
    url = URL.createObjectURL(new Blob([png as Uint8Array<ArrayBuffer>], { type: 'image/png' }))
    pictureCard.show(make('img', { src: url, alt: `The painted picture: ${scene}`, width, height }))
  }
}

/** Shows an answer while it grows. The model takes its time before the first token, so the wait is shown as well. */
function tokenWriter(): (token: string) => void {
  chatCard.compute('Waiting for the first word …')
  const text = make('p', { className: 'growing' })
  return (token) => {
    text.append(token)
    if (text.parentNode !== null) return
    chatCard.compute('The model answers …')
    chatCard.show(text)
  }
}

function showAnswer(completion: ChatCompletion): void {
  chatCard.show(make('p', {}, completion.choices[0]?.message.content ?? ''))
}

async function forget(): Promise<void> {
  await cache.invalidate('all')
  await dropEntries().catch(complain)
  for (const card of [pictureCard, chatCard]) {
    if (!card.busy) card.reset('Forgotten. The next call runs the function again.')
  }
  await showKept()
}

async function showKept(): Promise<void> {
  const line = element('#kept')
  line.ariaBusy = 'true'
  try {
    const { entries, bytes } = await readKept()
    line.textContent =
      entries === 0
        ? 'IndexedDB holds no entry of this page.'
        : `IndexedDB holds ${entries} ${entries === 1 ? 'entry' : 'entries'} with ${formatBytes(bytes)}, for 30 days.`
    element('#invitation').hidden = entries === 0
  } catch (error) {
    line.textContent = `IndexedDB cannot be read: ${messageOf(error)}`
  } finally {
    line.ariaBusy = 'false'
  }
}

function heard(event: CacheEvent): void {
  journal.note(event)
  if (event.type === 'uncached') notice(`There is no cache now: ${event.why} (${messageOf(event.error)})`)
  if (event.type === 'fallback') notice(`${event.why} (${messageOf(event.error)})`)
  if (event.type === 'storage-error') complain(event.error)
}

function complain(error: unknown): void {
  const text = `IndexedDB failed, and the calls go on without it: ${messageOf(error)}`
  const said = [...element('#notices').children].some((notice) => notice.textContent === text)
  if (!said) notice(text)
}

function notice(text: string): void {
  element('#notices').append(make('p', { className: 'notice' }, text))
}
