/** What the demo asks the model, in the terminal and on the page. */
import type { ChatRequest } from './chat.js'

export const question = 'When is a cache the wrong answer, and why is invalidation hard?'

export function chatRequest(model: string): ChatRequest {
  return { model, messages: [{ role: 'user', content: question }] }
}
