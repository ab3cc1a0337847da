/**
 * A page that loses its IndexedDB while it is open: it posts that it has begun, asks for something new again and again until it notices, goes on for some
 * seconds, and posts what came. Then it is loaded anew, and posts what it finds.
 */
import { begin, pause, post } from './page.js'

const goesOnMs = 4_000

let opens = 0
const { open } = IDBFactory.prototype
IDBFactory.prototype.open = function (...args) {
  opens++
  return open.apply(this, args)
}

const story = await begin()
await post({ ...(await story.ask('before')), troubles: story.troubles() })
if (location.hash !== '#again') {
  const came = { asked: 0, computed: 0 }
  const ask = async (): Promise<void> => {
    const { from } = await story.ask(`new ${came.asked++}`)
    if (from === 'computed') came.computed++
    await pause(20)
  }
  opens = 0
  while (story.troubles().length === 0) await ask()
  for (const end = performance.now() + goesOnMs; performance.now() < end; ) await ask()
  const { from: known } = await story.ask('before')
  const { storageErrors, storageState } = story.stats()
  await post({ ...came, runs: story.runs(), known, opens, storageErrors, storageState, troubles: story.troubles() })
  location.hash = 'again'
  location.reload()
}
