/**
 * Everything that a storage holds, one after the other, and what it is: told without being used, or let into memory. A core that is there for
 * nothing else judges entries, as the cache's own would, except for their tokens: those of all scopes may lie here, and the cache need not know them.
 *
 * It goes in small steps, between which others have their turn. What imports this file is loaded when it is wanted, and is handed what the rest has.
 */
import type { status } from './boundary.js'
import type { Core } from './core.js'
import type { Parts } from './parts.js'
import { isEnveloped, type Refusal } from './storage/envelope.js'

/**
 * - `whole`: could answer, if its tokens are alive. - `expired`: could have. - `damaged`: it is nobody's any more. - `foreign`: not ours to judge: under other
 * names, sealed under another secret or by another version.
 */
export type State = 'whole' | 'expired' | 'damaged' | 'foreign'

export interface Item {
  readonly name: string
  readonly isToken: boolean
  readonly state: State
  /** What it takes in storage; 0 where that was not looked at. */
  readonly size: number
  /** Without its envelope, where it could be taken out of that. */
  readonly bytes: Uint8Array | undefined
}

export interface Walk {
  readonly signal: AbortSignal | undefined
  /** Before others have their turn. */
  pausing(): void
}

/** OptionError, which is handed in. */
export type Refuses = new (option: string, problem: string) => Error

/** What is needed to go through everything. */
export function mustList(verb: string, { storage }: Parts, options: object, known: readonly string[], Refused: Refuses): void {
  if (typeof options !== 'object' || options === null) throw new Refused(verb, 'takes an object of options.')
  for (const name in options) if (!known.includes(name)) throw new Refused(`${verb}: ${name}`, `there is no such option. Known ones: ${known.join(', ')}.`)
  if (storage?.lists === false) throw new Refused(verb, 'the storage cannot say what it holds: it has no function keys().')
}

/** How many are looked at together, and how many before others have their turn. */
const together = 16
const step = 512

/** Rejects with StorageError where not all could be looked at, and with the signal's reason. */
export async function* inventory(parts: Parts, { signal, pausing }: Walk): AsyncIterable<Item> {
  signal?.throwIfAborted()
  const { storage } = parts
  if (storage === undefined) return
  const judge = await parts.judge()
  let names: string[] = []
  let looked = 0
  const items = async function* (): AsyncIterable<Item> {
    const found = await Promise.all(names.map(name => look(parts, judge, name)))
    names = []
    signal?.throwIfAborted()
    for (const item of found) if (item !== undefined) yield item
  }
  for await (const name of storage.keys()) {
    if (names.push(name) === together) yield* items()
    if (++looked % step !== 0) continue
    pausing()
    await new Promise<void>(resolve => parts.after(0, resolve))
    signal?.throwIfAborted()
  }
  yield* items()
}

/** Undefined where it is gone, or is to be. */
async function look(parts: Parts, judge: Core, name: string): Promise<Item | undefined> {
  const isToken = name.length === 16
  if (!/^([0-9a-f]{16}|[0-9a-f]{64})$/.test(name)) return { name, isToken: false, state: 'foreign', size: 0, bytes: undefined }
  let refused: { why: Refusal; bytes: Uint8Array } | undefined
  const bytes = await parts.storage!.look(name, (why, bytes) => {
    refused = { why, bytes }
  })
  if (bytes !== undefined) {
    const state = isToken ? (tokenIn(bytes) === undefined ? 'damaged' : 'whole') : stateOf(judge, name, bytes, parts.now())
    // Where there is no secret, what others sealed is seen as it lies there.
    return { name, isToken, state: state === 'damaged' && isEnveloped(bytes) ? 'foreign' : state, size: bytes.length, bytes }
  }
  if (refused === undefined) return undefined
  const { why, bytes: raw } = refused
  // What was written without any secret may be somebody's. What would be damaged even so is nobody's.
  const isSomebodys = why === 'foreign' || (why === 'plain' && (isToken ? tokenIn(raw) !== undefined : stateOf(judge, name, raw, parts.now()) !== 'damaged'))
  return { name, isToken, state: isSomebodys ? 'foreign' : 'damaged', size: raw.length, bytes: undefined }
}

/** The token of a record: 8 bytes. */
export function tokenIn(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes?.length === 16 && [0x52, 0x50, 0x52, 0x54, 1, 0, 0, 0].every((byte, i) => bytes[i] === byte) ? bytes.subarray(8) : undefined
}

/** The core knows no tokens: an entry that is else as it should be has one that is unknown. */
function stateOf(judge: Core, name: string, entry: Uint8Array, now: number): State {
  const { status: said } = judge.admit({ id: '' }, bytesOf(name), entry, now)
  return states[said] ?? 'damaged'
}

// Their numbers only: the values are of a file that everybody has loaded.
const ok: status.ok = 0
const otherFormat: status.otherFormat = 3
const expired: status.expired = 6
const unknownToken: status.unknownToken = 8
const stale: status.stale = 14
const retained: status.retained = 15
const states: Readonly<Record<number, State>> = { [ok]: 'whole', [stale]: 'whole', [retained]: 'whole', [unknownToken]: 'whole', [expired]: 'expired', [otherFormat]: 'foreign' }

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16))
}
