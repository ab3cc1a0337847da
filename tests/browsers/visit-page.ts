/** A page that nobody can ask: it asks once, and posts what came. */
import { begin, post } from './page.js'

const story = await begin()
await post({ ...(await story.ask('visit')), troubles: story.troubles() })
