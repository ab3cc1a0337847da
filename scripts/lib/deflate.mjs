// Deflates harder than zlib does, for what is built once and downloaded often: 4 % smaller, in half a second for 40 KB.
//
// zlib takes the longest match that it finds and looks one byte ahead. Here the cheapest way through the whole input is computed, by
// what each literal and each match costs in bits. Those costs depend on which are chosen, so this is done over and
// over, each time with the costs of the best way so far. (Zopfli's idea.)

import { deflateSync, inflateSync } from 'node:zlib'

const maxLength = 258
const windowSize = 32768
const rounds = 10
/** The order in which the lengths of the codes for code lengths are written. */
const headerOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]
const endOfBlock = 256

/** Of each length 3 to 258, or distance 1 to 32768: its symbol, and the first value and the extra bits of each symbol. */
const lengths = symbolsOf(257, 3, Array.from({ length: 28 }, (_, i) => Math.max(0, (i >> 2) - 1)), maxLength)
const distances = symbolsOf(0, 1, Array.from({ length: 30 }, (_, i) => Math.max(0, (i >> 1) - 1)), windowSize)
// 258 has a symbol of its own, at the end of the range of another.
lengths.symbol[maxLength] = 285
lengths.base[285] = maxLength
lengths.extra[285] = 0

function symbolsOf(firstSymbol, firstValue, extraBits, last) {
  const symbol = new Uint16Array(last + 1)
  const base = []
  const extra = []
  let value = firstValue
  extraBits.forEach((bits, i) => {
    base[firstSymbol + i] = value
    extra[firstSymbol + i] = bits
    for (let n = 0; n < 1 << bits; n++) symbol[value++] = firstSymbol + i
  })
  return { symbol, base, extra }
}

/** A zlib stream, no longer than zlib's own. */
export function deflateHard(input) {
  let best = deflateSync(input, { level: 9 })
  const [head, checksum] = [best.subarray(0, 2), best.subarray(-4)]
  const matches = matchesOf(input)
  // In the first round every symbol costs the same.
  let blocks = [{ from: 0, ...costsOf(countsOf([])) }]
  for (let round = 0; round < rounds && input.length > 0; round++) {
    const tokens = cheapest(input, matches, blocks)
    const ends = split(tokens)
    const output = Buffer.concat([head, write(tokens, ends), checksum])
    if (output.length < best.length) best = output
    let from = 0
    blocks = ends.map((end, i) => {
      const part = tokens.slice(ends[i - 1] ?? 0, end)
      const block = { from, ...costsOf(countsOf(part)) }
      for (const { length } of part) from += length
      return block
    })
  }
  if (!inflateSync(best).equals(input)) throw new Error('scripts/lib/deflate.mjs wrote what does not inflate to its input.')
  return best
}

/** For each position the matches there: [length, distance, …], each longer and farther than the one before. */
function matchesOf(input) {
  const last = new Map()
  const before = new Int32Array(input.length).fill(-1)
  return Array.from(input, (_, at) => {
    const found = []
    if (at + 3 > input.length) return found
    const key = input[at] | (input[at + 1] << 8) | (input[at + 2] << 16)
    before[at] = last.get(key) ?? -1
    last.set(key, at)
    const most = Math.min(maxLength, input.length - at)
    let longest = 2
    for (let from = before[at]; from >= 0 && at - from <= windowSize && longest < most; from = before[from]) {
      let length = 3
      while (length < most && input[from + length] === input[at + length]) length++
      if (length > longest) found.push((longest = length), at - from)
    }
    return found
  })
}

/** The tokens ({ length, distance, literal }) that cost least, by the costs of the block that each position lies in. */
function cheapest(input, matches, blocks) {
  const cost = new Float64Array(input.length + 1).fill(Infinity)
  const length = new Uint16Array(input.length + 1)
  const distance = new Uint16Array(input.length + 1)
  cost[0] = 0
  for (let at = 0, block = 0; at < input.length; at++) {
    while (blocks[block + 1]?.from <= at) block++
    const { literal, lengthCost, distanceCost } = blocks[block]
    const reach = (to, price, far) => {
      if (price >= cost[to]) return
      cost[to] = price
      length[to] = to - at
      distance[to] = far
    }
    reach(at + 1, cost[at] + literal[input[at]], 0)
    const found = matches[at]
    for (let i = 0, size = 3; i < found.length; i += 2) {
      const far = found[i + 1]
      const price = cost[at] + distanceCost[distances.symbol[far]]
      for (; size <= found[i]; size++) reach(at + size, price + lengthCost[size], far)
    }
  }
  const tokens = []
  for (let at = input.length; at > 0; at -= length[at]) {
    tokens.push({ length: length[at], distance: distance[at], literal: input[at - 1] })
  }
  return tokens.reverse()
}

function countsOf(tokens) {
  const main = new Uint32Array(286)
  const far = new Uint32Array(30)
  for (const { length, distance, literal } of tokens) {
    main[distance === 0 ? literal : lengths.symbol[length]]++
    if (distance > 0) far[distances.symbol[distance]]++
  }
  main[endOfBlock] = 1
  return { main, far }
}

/** What each symbol costs in bits by its frequency; what did not occur costs as if it had occurred once. */
function costsOf({ main, far }) {
  const bits = (counts) => {
    const total = counts.reduce((sum, count) => sum + Math.max(count, 1), 0)
    return Array.from(counts, (count) => Math.log2(total / Math.max(count, 1)))
  }
  const literal = bits(main)
  return {
    literal,
    lengthCost: Array.from(lengths.symbol, (symbol) => literal[symbol] + lengths.extra[symbol]),
    distanceCost: bits(far).map((cost, symbol) => cost + distances.extra[symbol]),
  }
}

/** Where to end blocks: what is smaller in two parts, with codes of their own, becomes two blocks. */
function split(tokens) {
  const size = (from, to) => estimate(countsOf(tokens.slice(from, to)))
  const ends = []
  const divide = (from, to, whole) => {
    let best = { total: whole }
    const step = Math.ceil((to - from) / 24)
    for (let middle = from + step; middle < to; middle += step) {
      const [left, right] = [size(from, middle), size(middle, to)]
      if (left + right < best.total) best = { total: left + right, left, right, middle }
    }
    if (best.middle === undefined) return ends.push(to)
    divide(from, best.middle, best.left)
    divide(best.middle, to, best.right)
  }
  divide(0, tokens.length, size(0, tokens.length))
  return ends
}

/** About how many bits a block takes: its symbols by their entropy, and its header. */
function estimate({ main, far }) {
  let bits = 100
  for (const counts of [main, far]) {
    const total = counts.reduce((sum, count) => sum + count, 0)
    for (const count of counts) if (count > 0) bits += count * Math.log2(total / count) + 5
  }
  return bits
}

/** The codes of a block and its header. */
function blockOf(tokens) {
  const { main, far } = countsOf(tokens)
  const mainLengths = codeLengths(main, 15)
  const farLengths = codeLengths(far, 15)
  const mainCount = Math.max(257, 1 + mainLengths.findLastIndex((length) => length > 0))
  const farCount = Math.max(1, 1 + farLengths.findLastIndex((length) => length > 0))
  const runs = runsOf([...mainLengths.slice(0, mainCount), ...farLengths.slice(0, farCount)])
  const counts = new Uint32Array(19)
  for (const { symbol } of runs) counts[symbol]++
  const headerLengths = codeLengths(counts, 7)
  const headerCount = Math.max(4, 1 + headerOrder.findLastIndex((symbol) => headerLengths[symbol] > 0))
  return { main, far, mainLengths, farLengths, mainCount, farCount, runs, headerLengths, headerCount }
}

/** Code lengths with repetitions as symbols 16 to 18, which have extra bits. */
function runsOf(codes) {
  const runs = []
  for (let at = 0; at < codes.length; ) {
    const code = codes[at]
    let count = 1
    while (codes[at + count] === code) count++
    at += count
    if (code !== 0) {
      runs.push({ symbol: code, bits: 0, value: 0 })
      count--
    }
    while (count >= 3) {
      const [symbol, bits, least] = code !== 0 ? [16, 2, 3] : count >= 11 ? [18, 7, 11] : [17, 3, 3]
      const taken = Math.min(count, least + (1 << bits) - 1)
      runs.push({ symbol, bits, value: taken - least })
      count -= taken
    }
    for (; count > 0; count--) runs.push({ symbol: code, bits: 0, value: 0 })
  }
  return runs
}

/** The lengths of a prefix code that is best among those of at most `limit` bits, by package-merge. */
function codeLengths(counts, limit) {
  const result = new Array(counts.length).fill(0)
  const leaves = Array.from(counts, (weight, symbol) => ({ weight, symbols: [symbol] }))
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => a.weight - b.weight)
  if (leaves.length < 2) {
    // inflate wants a code of one bit where there is one symbol, and takes it where there is none.
    for (const { symbols } of leaves) result[symbols[0]] = 1
    return result
  }
  let level = leaves
  for (let i = 1; i < limit; i++) {
    const packages = []
    for (let j = 0; j + 1 < level.length; j += 2) {
      packages.push({ weight: level[j].weight + level[j + 1].weight, symbols: [...level[j].symbols, ...level[j + 1].symbols] })
    }
    level = [...leaves, ...packages].sort((a, b) => a.weight - b.weight)
  }
  for (const { symbols } of level.slice(0, 2 * leaves.length - 2)) for (const symbol of symbols) result[symbol]++
  return result
}

function write(tokens, ends) {
  const out = []
  let buffer = 0
  let used = 0
  const put = (value, bits) => {
    for (let i = 0; i < bits; i++) {
      buffer |= ((value >> i) & 1) << used
      if (++used === 8) {
        out.push(buffer)
        buffer = used = 0
      }
    }
  }
  let from = 0
  for (const end of ends) {
    const part = tokens.slice(from, end)
    const block = blockOf(part)
    put(end === tokens.length ? 1 : 0, 1)
    put(2, 2)
    put(block.mainCount - 257, 5)
    put(block.farCount - 1, 5)
    put(block.headerCount - 4, 4)
    for (const symbol of headerOrder.slice(0, block.headerCount)) put(block.headerLengths[symbol], 3)
    const header = codesOf(block.headerLengths)
    for (const { symbol, bits, value } of block.runs) {
      put(header[symbol], block.headerLengths[symbol])
      put(value, bits)
    }
    const main = codesOf(block.mainLengths)
    const far = codesOf(block.farLengths)
    for (const { length, distance, literal } of part) {
      const symbol = distance === 0 ? literal : lengths.symbol[length]
      put(main[symbol], block.mainLengths[symbol])
      if (distance === 0) continue
      put(length - lengths.base[symbol], lengths.extra[symbol])
      const place = distances.symbol[distance]
      put(far[place], block.farLengths[place])
      put(distance - distances.base[place], distances.extra[place])
    }
    put(main[endOfBlock], block.mainLengths[endOfBlock])
    from = end
  }
  put(0, (8 - used) & 7)
  return Buffer.from(out)
}

/** The canonical codes of these lengths, their bits in the order in which they are written. */
function codesOf(codeLengths) {
  const codes = new Array(codeLengths.length).fill(0)
  let code = 0
  for (let bits = 1; bits <= 15; bits++, code <<= 1) {
    codeLengths.forEach((length, symbol) => {
      if (length !== bits) return
      for (let i = 0; i < bits; i++) codes[symbol] |= ((code >> i) & 1) << (bits - 1 - i)
      code++
    })
  }
  return codes
}
