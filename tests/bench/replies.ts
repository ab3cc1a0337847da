/**
 * Replies of a language model, as many as a bench wants, all different and all made from a seed. The text is of this
 * project's own pages: every second word follows as it does there, the others come from anywhere in them. One reply alone
 * deflates to 59 % and against a dictionary of others to 33 %; real technical English was measured at 56 % and 28 %, so
 * what compresses has it a little harder here.
 */
import { readFileSync } from 'node:fs'
import { seededRandom } from '../../js/testing/random.js'

const pages = ['README.md', 'CONTRIBUTING.md', 'docs/ARCHITECTURE.md', 'docs/decisions.md', 'docs/keys.md', 'docs/entry-format.md']

export class Replies {
  private readonly random: () => number
  private readonly words: readonly string[]

  constructor(seed: number, root = process.cwd()) {
    this.random = seededRandom(seed)
    const text = pages.map((page) => readFileSync(`${root}/${page}`, 'utf8')).join('\n')
    this.words = text.replace(/```[\s\S]*?```/g, ' ').split(/[\s`*|#>[\]()]+/).filter((word) => /^[A-Za-z'-]+[.,:;!?]?$/.test(word))
  }

  /** What a chat completion of about so many bytes of JSON is. */
  next(bytes: number): object {
    const { random } = this
    const reply = {
      id: `chatcmpl-${this.letters(29)}`,
      object: 'chat.completion',
      created: 1_800_000_000 + Math.floor(random() * 1e6),
      model: 'gpt-4o-mini-2024-07-18',
      choices: [{ index: 0, message: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: 'stop' }],
      usage: { prompt_tokens: Math.floor(random() * 900), completion_tokens: Math.floor(bytes / 4), total_tokens: Math.floor(random() * 1900) },
      service_tier: 'default',
      system_fingerprint: `fp_${this.letters(10)}`,
    }
    const empty = JSON.stringify(reply).length
    reply.choices[0]!.message.content = this.text(Math.max(0, bytes - empty))
    return reply
  }

  text(length: number): string {
    const { words, random } = this
    let at = 0
    let text = ''
    while (text.length < length) {
      at = random() < 0.5 ? at + 1 : Math.floor(random() * words.length)
      text += `${words[at % words.length]!} `
    }
    return text.slice(0, length)
  }

  private letters(count: number): string {
    return Array.from({ length: count }, () => 'abcdefghijklmnopqrstuvwxyz0123456789'[Math.floor(this.random() * 36)]!).join('')
  }
}

/** Numbers below `count`, small ones more often: Zipf's law with exponent 0.99. */
export function zipf(count: number, random: () => number): () => number {
  const sums = new Float64Array(count)
  for (let i = 0, sum = 0; i < count; i++) sums[i] = sum += (i + 1) ** -0.99
  return () => {
    const wanted = random() * sums[count - 1]!
    let low = 0
    for (let high = count - 1; low < high; ) {
      const middle = (low + high) >> 1
      if (sums[middle]! < wanted) low = middle + 1
      else high = middle
    }
    return low
  }
}
