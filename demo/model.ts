// A language model of the year 1948: Shannon's n-grams over words, trained in milliseconds on a few pages about caches.
// It stands in for an LLM where none is at hand, and says so.
//
// The next word is drawn from what followed the last two words in the text; where those two were followed by one word
// only, the model sometimes backs off to what followed the last word, because a model that never backs off recites. The
// prompt pulls twice: some sentences start where a sentence of the text starts that shares rare words with the prompt,
// and everywhere words of the prompt are likelier than they were in the text.

export interface GenerateOptions {
  readonly seed?: number
  /** Towards 0 the likeliest word always wins; 1 draws as the text does; above 1 the rare words gain. */
  readonly temperature?: number
  readonly maxTokens?: number
}

const DEFAULT_TEMPERATURE = 0.8
const DEFAULT_MAX_TOKENS = 90
const RECITE_CHANCE = 0.8
const RETURN_TO_PROMPT_CHANCE = 0.6
const PROMPT_WORD_BOOST = 4
const START_LENGTH = 3
const STEM_LENGTH = 5
const MIN_TEMPERATURE = 0.01
const SENTENCE_END = new Set(['.', '?', '!'])

/** Words, numbers and punctuation. `detokenized` joined over `tokenize(text)` reads like the text. */
export function tokenize(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+(?:['’-][\p{L}\p{N}]+)*|[^\s\p{L}\p{N}]/gu) ?? []
}

export class Model {
  readonly #text: string
  #trained: Trained | undefined

  /** Keeps the text; the training waits for the first question. */
  constructor(text: string) {
    this.#text = text
  }

  /** Answers a prompt, token by token. A token carries the space in front of it, as LLM tokens do. */
  *generate(prompt: string, options: GenerateOptions = {}): Generator<string, void, undefined> {
    const maxTokens = options.maxTokens ?? DEFAULT_MAX_TOKENS
    let tokens = 0
    for (const word of this.#words(prompt, options)) {
      if (tokens === maxTokens) return
      yield tokens === 0 ? word : detokenized(word)
      tokens++
      // A sentence that ends near the limit is a better end than half a sentence at the limit.
      if (SENTENCE_END.has(word) && tokens + 14 > maxTokens) return
    }
  }

  /** Words without end. */
  *#words(prompt: string, { seed = 1, temperature = DEFAULT_TEMPERATURE }: GenerateOptions): Generator<string, void, undefined> {
    const trained = (this.#trained ??= train(this.#text))
    const random = randomNumbers(seed)
    const topic = new Set(tokenize(prompt).map(stem).filter((word) => trained.rarity(word) > 0))

    let before = ''
    let last = ''
    for (;;) {
      if (last === '' || (SENTENCE_END.has(last) && random() < RETURN_TO_PROMPT_CHANCE)) {
        const start = trained.start(topic, random())
        yield* start
        before = start.at(-2)!
        last = start.at(-1)!
      }
      const longest = trained.afterTwo(before, last)
      const recite = longest !== undefined && (longest.size > 1 || random() < RECITE_CHANCE)
      const followers = recite ? longest : trained.afterOne(last)
      const next = followers && draw(followers, topic, temperature, random())
      before = last
      last = next ?? '.'
      yield last
    }
  }
}

type Followers = ReadonlyMap<string, number>

interface Trained {
  afterOne(word: string): Followers | undefined
  afterTwo(before: string, last: string): Followers | undefined
  /** How much a stem tells about a sentence that holds it: 0 if the text does not know it or uses it everywhere. */
  rarity(stem: string): number
  start(topic: ReadonlySet<string>, random: number): readonly string[]
}

function train(text: string): Trained {
  const sentences = sentencesOf(tokenize(text))
  if (sentences.length === 0) throw new RangeError('The model has nothing to learn from: the text holds no sentence.')
  const one = new Map<string, Map<string, number>>()
  const two = new Map<string, Map<string, number>>()
  const holders = new Map<string, number>()
  const words = sentences.flat()
  for (let i = 0; i + 1 < words.length; i++) {
    count(one, words[i]!, words[i + 1]!)
    if (i > 0) count(two, pair(words[i - 1]!, words[i]!), words[i + 1]!)
  }
  for (const sentence of sentences) {
    for (const known of new Set(sentence.map(stem))) holders.set(known, (holders.get(known) ?? 0) + 1)
  }
  const rarity = (stem: string): number => {
    const holding = holders.get(stem)
    if (holding === undefined || stem.length < STEM_LENGTH || commonStems.has(stem)) return 0
    return Math.log(sentences.length / holding)
  }
  return {
    afterOne: (word) => one.get(word),
    afterTwo: (before, last) => two.get(pair(before, last)),
    rarity,
    start: (topic, random) => startOf(sentences, topic, rarity, random),
  }
}

function sentencesOf(words: readonly string[]): string[][] {
  const sentences: string[][] = []
  let sentence: string[] = []
  for (const word of words) {
    sentence.push(word)
    if (!SENTENCE_END.has(word)) continue
    if (sentence.length > 2) sentences.push(sentence)
    sentence = []
  }
  return sentences
}

function count(table: Map<string, Map<string, number>>, context: string, word: string): void {
  let followers = table.get(context)
  if (followers === undefined) table.set(context, (followers = new Map()))
  followers.set(word, (followers.get(word) ?? 0) + 1)
}

function pair(before: string, last: string): string {
  return `${before} ${last}`
}

/** The first words of a sentence that is no question; sentences on the topic first, the closer the likelier. */
function startOf(
  sentences: readonly string[][],
  topic: ReadonlySet<string>,
  rarity: (stem: string) => number,
  random: number,
): readonly string[] {
  const statements = sentences.filter((sentence) => sentence.at(-1) !== '?')
  const candidates = statements.length > 0 ? statements : sentences
  const scores = candidates.map((sentence) => {
    const shared = new Set(sentence.map(stem).filter((word) => topic.has(word)))
    return [...shared].reduce((sum, word) => sum + rarity(word), 0) ** 3
  })
  const weights = scores.some((score) => score > 0) ? scores : scores.map(() => 1)
  return candidates[choose(weights, random)]!.slice(0, START_LENGTH)
}

function draw(followers: Followers, topic: ReadonlySet<string>, temperature: number, random: number): string {
  const power = 1 / Math.max(MIN_TEMPERATURE, temperature)
  const most = Math.max(...followers.values())
  const words = [...followers.keys()]
  const weights = words.map((word) => (followers.get(word)! / most) ** power * (topic.has(stem(word)) ? PROMPT_WORD_BOOST : 1))
  return words[choose(weights, random)]!
}

function choose(weights: readonly number[], random: number): number {
  let rest = random * weights.reduce((sum, weight) => sum + weight, 0)
  for (let i = 0; i < weights.length; i++) {
    rest -= weights[i]!
    if (rest < 0) return i
  }
  return weights.length - 1
}

/** Evict, evicts and eviction are one topic: five letters are stem enough for a text of this size. */
function stem(word: string): string {
  return word.toLowerCase().slice(0, STEM_LENGTH)
}

const commonStems = new Set(['about', 'after', 'befor', 'could', 'every', 'expla', 'shoul', 'somet', 'their', 'there', 'thing', 'think', 'this', 'under', 'where', 'which', 'would'])

function detokenized(word: string): string {
  return /^[.,;:?!)]$/.test(word) ? word : ` ${word}`
}

/** mulberry32: small, seeded, and good enough to choose words. */
function randomNumbers(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
