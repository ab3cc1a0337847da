/**
 * Keys that users made, found by a pattern: to be listed, or for the one invalidation that looks at entries one by one. The texts of such keys lie beside their
 * values (`labelled` in value.ts). It goes through memory and then through storage in small steps, between which others have their turn; it can be aborted, and
 * says how far it is. What is stored while it goes on may be found or missed: who wants all of a kind gone at once gives them a tag.
 */
import type { Core } from './core.js'
import type { Parts } from './parts.js'
import type { Plan } from './plan.js'

export interface Match {
  /** `*` stands for any characters, `?` for one; `\` takes their meaning from the next. */
  match: string
  /** Ends the scan; the promise rejects with the signal's reason. What was found by then is gone. */
  signal?: AbortSignal
  /** Told now and then, and at the end. */
  onProgress?: (progress: ScanProgress) => void
}

export interface ScanProgress {
  /** Entries that were looked at, in memory and in storage. */
  scanned: number
  /** Those of them whose keys matched. One that is in both counts twice. */
  matched: number
}

/** How many entries of memory are looked at before others have their turn. */
const step = 500

/** Calls `act` for every key of `plan` that matches. It imports nothing that others do: so it is a file of its own, loaded when it is wanted. */
export async function scan(parts: Parts, plan: Plan, { match, signal, onProgress }: Match, act: (key: string) => Promise<void>, lists = false): Promise<ScanProgress> {
  const { storage } = parts
  const current = (): Core | undefined => parts.core ?? parts.standby
  const progress: ScanProgress = { scanned: 0, matched: 0 }
  const pause = async (): Promise<void> => {
    onProgress?.({ ...progress })
    await new Promise<void>(resolve => parts.after(0, resolve))
    signal?.throwIfAborted()
  }
  /** Who is bringing a value under such a key is too late, unless this is to look only (`lists`). */
  const memory = async (counts: boolean): Promise<void> => {
    const core = current()
    if (!lists) parts.flights.doomLabelled(plan.tags.at(-1)!, matches)
    for (let from = 0, looked = 0; core !== undefined && core === current(); ) {
      const found = core.nextLabelled(from)
      if (found === undefined) break
      from = found.slot + 1
      if (counts) progress.scanned++
      if (++looked % step === 0) await pause()
      if (!matches(found.label) || core !== current()) continue
      // The same text may be a key of another scope.
      core.digest(plan.prefix, [found.label])
      if (core.key().id !== found.key.id) continue
      if (counts) progress.matched++
      await act(found.label)
    }
  }
  signal?.throwIfAborted()
  const matches = pattern(match)
  await memory(true)
  if (storage !== undefined) {
    for await (const name of storage.keys()) {
      if (name.length !== 64) continue
      if (++progress.scanned % step === 0) await pause()
      signal?.throwIfAborted()
      const label = parts.labelOf(await storage.look(name))
      const judge = current()
      if (label === undefined || !matches(label) || judge === undefined) continue
      judge.digest(plan.prefix, [label])
      const own = await parts.storageName(judge.canonicalBytes())
      if (own?.text !== name) continue
      progress.matched++
      await act(label)
    }
    // What was brought from storage into memory meanwhile, and is gone from there.
    await memory(false)
  }
  onProgress?.({ ...progress })
  return progress
}

/** In time proportional to both lengths at the worst, whatever the pattern. */
export function pattern(glob: string): (text: string) => boolean {
  const items: { any?: true; one?: true; is?: string }[] = []
  for (let i = 0; i < glob.length; i++) {
    const character = glob[i]!
    if (character === '*') {
      if (items.at(-1)?.any !== true) items.push({ any: true })
    } else if (character === '?') items.push({ one: true })
    else items.push({ is: character === '\\' && i + 1 < glob.length ? glob[++i]! : character })
  }
  return text => {
    let at = 0
    let item = 0
    // Where the last `*` stood, and how much it took so far: only that one is ever tried again.
    let star = -1
    let taken = 0
    while (at < text.length) {
      const wanted = items[item]
      if (wanted?.any === true) {
        star = item++
        taken = at
      } else if (wanted !== undefined && (wanted.one === true || wanted.is === text[at])) {
        item++
        at++
      } else if (star >= 0) {
        item = star + 1
        at = ++taken
      } else return false
    }
    while (items[item]?.any === true) item++
    return item === items.length
  }
}
