/**
 * All of a scope, gone: what a data-protection request asks for. Its token is renewed first, so that nothing of it answers any more, here or, within `invalidationLag`,
 * elsewhere. Then its entries are deleted. Names in storage are digests and say nothing, but every entry carries the numbers of its tags, and
 * the scope's is one of them; those of the scopes within carry it, too.
 */
import { inventory, mustList, type Refuses } from './inventory.js'
import type { Parts } from './parts.js'

export interface ForgetOptions {
  /** Ends the search; the promise rejects with the signal's reason. What was found by then is gone, and nothing of the scope answers any more. */
  signal?: AbortSignal
  /** Told now and then, and at the end. */
  onProgress?: (report: ForgetReport) => void
}

export interface ForgetReport {
  /** Entries in storage that were looked at. */
  scanned: number
  /** Those of the scope, which were deleted, and what they took. */
  forgotten: number
  bytes: number
  /** Entries that did not verify: they may have been of the scope, so they were deleted as well. */
  damaged: number
  /** Entries of other secrets, keys or versions, which cannot be read here: left alone. */
  foreign: number
  /** Deletions that the storage did not confirm: it is told again when it is there. */
  owed: number
}

/** `tag`: the canonical bytes of the scope's. `renew`: invalidates the scope. Rejects with `Refused` (an OptionError) where it cannot begin. */
export async function forget(parts: Parts, options: ForgetOptions, Refused: Refuses, tag: Uint8Array, renew: () => Promise<void>): Promise<ForgetReport> {
  mustList('forget', parts, options, ['signal', 'onProgress'], Refused)
  const { signal, onProgress } = options
  const { storage } = parts
  const report: ForgetReport = { scanned: 0, forgotten: 0, bytes: 0, damaged: 0, foreign: 0, owed: 0 }
  const tell = (): void => onProgress?.({ ...report })
  signal?.throwIfAborted()
  await renew()
  if (storage !== undefined) {
    const number = (await parts.storageName(tag))?.bytes.subarray(0, 8)
    if (number === undefined) throw new Error('forget: no SHA-256 can be had here, so the entries of the scope cannot be found. It was invalidated in this process only.')
    // What was on its way there has arrived.
    await storage.settled(true)
    for await (const { name, isToken, state, size, bytes } of inventory(parts, { signal, pausing: tell })) {
      if (isToken) continue
      report.scanned++
      if (state === 'foreign') report.foreign++
      const isOfScope = state !== 'damaged' && bytes !== undefined && carries(parts.tokensOf(bytes), number)
      if (state !== 'damaged' && !isOfScope) continue
      if (isOfScope) {
        report.forgotten++
        report.bytes += size
      } else report.damaged++
      if (!(await storage.delete(name))) report.owed++
    }
  }
  tell()
  return report
}

function carries(pairs: Uint8Array, number: Uint8Array): boolean {
  for (let at = 0; at < pairs.length; at += 16) if (number.every((byte, i) => pairs[at + i] === byte)) return true
  return false
}
