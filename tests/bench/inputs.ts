/**
 * What is asked, in five sizes: the requests that the key benches make keys of.
 *
 * All of it is made from fixed text, and the picture from a fixed seed, so every run measures the same bytes. Each
 * request has been through JSON, as one that a server received has: its strings are flat and its names interned.
 */

export interface Input {
  readonly id: 'prompt' | 'prompt-new' | 'chat' | 'chat-new' | 'tools-new' | 'tools' | 'mixed' | 'image'
  readonly what: string
  readonly value: unknown
  /** Timed in turn with it. The same again, received anew: requests that come again are other objects each time. */
  readonly others?: readonly unknown[]
}

export function inputs(): Input[] {
  return [
    { id: 'prompt', what: 'a prompt of 60 characters', value: received(prompt), others: Array.from({ length: 15 }, () => received(prompt)) },
    { id: 'chat', what: 'a chat request of 1 KB, 13 keys', value: received(chat()), others: Array.from({ length: 15 }, () => received(chat())) },
    { id: 'tools', what: 'a request of 10 KB with a tools schema, 287 keys', value: received(tools()), others: Array.from({ length: 15 }, () => received(tools())) },
    { id: 'mixed', what: 'a request with 100 KB of Latin, CJK and emoji text', value: received(mixed()) },
    { id: 'image', what: 'a request with an image of 1 MB in base64', value: received(image()) },
  ]
}

/** So many that each is as good as new when its turn comes: requests that come again are remembered. */
export function newInputs(): (Input & { others: unknown[] })[] {
  const random = generator(2)
  const word = (): string => random().toString(36).padStart(12, '-')
  const many = (count: number, one: () => unknown): { value: unknown; others: unknown[] } => {
    const [value, ...others] = Array.from({ length: count }, () => received(one()))
    return { value, others }
  }
  return [
    { id: 'prompt-new', what: 'a prompt of 60 characters that was not met lately', ...many(8192, () => prompt.slice(0, 48) + word()) },
    { id: 'chat-new', what: 'a chat request of 1 KB that was not met lately', ...many(2048, () => chat(word())) },
    { id: 'tools-new', what: 'a request of 10 KB with a tools schema that was not met lately', ...many(512, () => tools(word())) },
  ]
}

/** As it comes out of JSON, new each time. */
export function received<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}

// ---- the five ---------------------------------------------------------------------------------

const prompt = 'Summarise the second chapter of the report in two sentences.'

function chat(word = 'Thank you!'): object {
  return {
    model: 'gpt-4o-mini',
    messages: [
      {
        role: 'system',
        content:
          'You are a careful assistant of an insurance company. Answer in plain English, name the paragraph of the policy that ' +
          'you rely on, and say so when you do not know. Never promise a payment, and never ask for a password or PIN.',
      },
      {
        role: 'user',
        content:
          'My bicycle was stolen from the cellar of our house last night. The lock had been cut, and the door of the cellar was open. ' +
          'I bought it two years ago for 1,250 euros and still have the receipt. Is it covered, and what do you need from me?',
      },
      {
        role: 'user',
        content:
          'One more thing: a neighbour says that she saw someone at the door at about three in the morning. Should I mention that in ' +
          'the report to the police, or is it enough to tell you? The insurance runs in the name of my wife, who is abroad until the ' +
          `end of the month and cannot sign anything before then. I would like to send off all of it today. ${word}`,
      },
    ],
    temperature: 0.2,
    top_p: 0.95,
    max_tokens: 512,
    seed: 7,
    stream: false,
  }
}

/** Fourteen functions, each with four of ten described parameters. */
function tools(word = 'still'): object {
  return {
    model: 'gpt-4o-mini',
    temperature: 0,
    messages: [{ role: 'user', content: `What did the customers of the Lyon branch order most last week, and do we ${word} have it in stock?` }],
    tools: functions.map(([name, purpose], place) => ({
      type: 'function',
      function: {
        name,
        description: `${purpose} Call it only when the answer is not in the conversation already, and never twice with the same arguments.`,
        parameters: { type: 'object', properties: Object.fromEntries([0, 1, 2, 3].map(i => parameters[(3 * place + i) % parameters.length]!)), required: [parameters[(3 * place) % parameters.length]![0]] },
      },
    })),
    tool_choice: 'auto',
  }
}

const parameters: readonly (readonly [string, object])[] = [
  ['branch', { type: 'string', description: 'The town of the branch, as the list of branches spells it, for example Lyon.' }],
  ['since', { type: 'string', description: 'The first day that counts, as YYYY-MM-DD; today when it is left out.' }],
  ['limit', { type: 'integer', description: 'How many lines to give back at most, from 1 to 500.' }],
  ['detail', { type: 'boolean', description: 'Whether to list the single items as well as the sums.' }],
  ['customer', { type: 'string', description: 'The number of the customer, eight digits with leading zeros.' }],
  ['article', { type: 'string', description: 'The number of the article, or a part of its name.' }],
  ['until', { type: 'string', description: 'The last day that counts, as YYYY-MM-DD; today when it is left out.' }],
  ['currency', { type: 'string', description: 'The currency of all amounts, in three letters: EUR, CHF or GBP.' }],
  ['sort', { type: 'string', description: 'What to sort by: date, amount or name. A minus sign turns it around.' }],
  ['page', { type: 'integer', description: 'Which page of a long list, where the first one is 1.' }],
]

const functions: readonly (readonly [string, string])[] = [
  ['list_orders', 'Lists the orders of a branch, newest first.'],
  ['count_orders', 'Counts the orders of a branch by day.'],
  ['find_customer', 'Finds a customer by name, number or address.'],
  ['list_customers', 'Lists the customers who ordered from a branch.'],
  ['check_stock', 'Tells how much of an article is in stock.'],
  ['list_deliveries', 'Lists the deliveries that are on their way.'],
  ['price_history', 'Gives the prices that an article has had.'],
  ['list_returns', 'Lists what customers sent back, and why.'],
  ['best_sellers', 'Ranks the articles by the number sold.'],
  ['list_invoices', 'Lists the invoices that are not paid yet.'],
  ['opening_hours', 'Tells when a branch is open.'],
  ['list_staff', 'Lists who works in a branch, and as what.'],
  ['revenue', 'Sums what a branch took, by day or by week.'],
  ['forecast', 'Estimates what a branch will sell next.'],
]

/** One long message. Its paragraphs stay in one language each, as those of real documents do. */
function mixed(): object {
  let content = ''
  for (let paragraph = 0, bytes = 0; bytes < 100_000; paragraph++) {
    const text = `${paragraph + 1}. ${paragraphs[paragraph % paragraphs.length]!}\n\n`
    content += text
    bytes += new TextEncoder().encode(text).length
  }
  return { model: 'gpt-4o-mini', temperature: 0.3, messages: [{ role: 'system', content: 'Translate the notes into Dutch.' }, { role: 'user', content }] }
}

const paragraphs: readonly string[] = [
  'The ferry left an hour late because of the fog. Nobody complained: there was coffee on board, and the harbour looked better from afar.',
  '会议改到星期四下午三点，地点不变。请大家提前把上个月的数据准备好，特别是退货和库存的部分。如果有人不能来，请在群里说一声，我们会把记录发给你。',
  'Le rapport n’est pas encore prêt : il manque les chiffres de l’été, et le déménagement à Besançon a tout retardé. À bientôt !',
  '昨日の打ち合わせで決まったことをまとめます。まず、新しい画面の設計は来週の金曜日までに終わらせること。次に、テストの担当は田中さんにお願いします。',
  'Great news 🎉🎉 the release is out! Thanks to everyone who stayed late 🙏 Pizza is on us tomorrow 🍕🍕🍕 and please rest on Friday 😴',
  'Für die Übergabe brauchen wir noch die Schlüssel, den Zählerstand und eine Unterschrift. Größere Schäden bitte gleich mit Foto melden.',
  '안녕하세요. 지난주에 주문한 의자가 아직 도착하지 않았습니다. 배송 조회를 해 보니 사흘째 같은 곳에 있네요. 확인해 주시면 감사하겠습니다.',
]

/** 786,432 bytes of seeded noise, which is what a compressed picture looks like, and 2^20 characters in base64. */
function image(): object {
  return {
    model: 'gpt-4o-mini',
    max_tokens: 300,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'What is in this picture, and is anything in it broken?' },
          { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${noiseInBase64(2 ** 20)}`, detail: 'high' } },
        ],
      },
    ],
  }
}

function noiseInBase64(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  const random = generator(1)
  const pieces: string[] = []
  for (let i = 0; i < length; i += 4) {
    const bits = random()
    pieces.push(alphabet[bits & 63]! + alphabet[(bits >>> 6) & 63]! + alphabet[(bits >>> 12) & 63]! + alphabet[(bits >>> 18) & 63]!)
  }
  return pieces.join('')
}

/** Whole numbers of 32 bits: Marsaglia's xorshift. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
