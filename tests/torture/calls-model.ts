/**
 * What must hold of every answer of a cache, whatever went on around it. The model does not foresee the answer (what is evicted, and when
 * storage fails, is the cache's business): it remembers every value that was ever made and every invalidation, and says of an answer whether
 * it may be one.
 *
 * Order is counted in operations of the simulator (`seq`): what it does is synchronous, and what that sets going ends at the next drain at
 * the earliest. Where the model cannot know exactly, it allows.
 */

/** As much of a function's options as limits what may answer. Milliseconds; Infinity for none. */
export interface Rules {
  readonly ttlMs: number
  readonly idleMs: number
  readonly swrMs: number
  readonly staleIfErrorMs: number
  readonly softTimeoutMs: number
  readonly timeoutMs: number
  /** Of errors; 0 where they are not cached. */
  readonly errorTtlMs: number
  readonly validates: boolean
  readonly freezes: boolean
  readonly keepAlive: boolean
}

/** What keys tell of themselves. */
export interface KeySpec {
  readonly text: string
  /** Undefined: the root. */
  readonly scope: string | undefined
  /** Of the function; undefined for keys that users make. */
  readonly name: string | undefined
}

/** A value that was made: by a function, or given to set(). */
export interface Run {
  readonly id: number
  readonly process: number
  readonly key: KeySpec
  readonly rules: Rules
  readonly tags: readonly string[]
  /** Those that it told while it ran, and when. */
  readonly toldTags: { readonly tag: string; readonly seq: number }[]
  /** Given to set(): nobody waited for it. */
  readonly given: boolean
  /** It is as old as this: of two that overlap, an invalidation may come after. */
  startSeq: number
  readonly startElapsed: number
  end: 'running' | 'value' | 'undefined' | 'error'
  /** The last operation before it had certainly landed; Infinity till then. */
  landSeq: number
  endElapsed: number
  /** The latest time of day at which it can have been stored. */
  made: number
  /** The latest at which it was made, or answered a call. */
  touched: number
  ttlMs: number
  skipped: boolean
  valid: boolean
  /** Its signal aborted while it ran. */
  aborted: boolean
}

export interface Call {
  readonly seq: number
  readonly process: number
  readonly key: KeySpec
  readonly rules: Rules
  /** `boards`: waits for a computation; `looks`: takes what is fresh or within swr; `peeks`: what is fresh. */
  readonly kind: 'boards' | 'looks' | 'peeks'
  readonly startElapsed: number
  readonly startWall: number
  /** The earliest time of day since it was made: as which its answer may have been judged. */
  earliest: number
}

export interface Invalidation {
  readonly seq: number
  readonly process: number
  readonly what: { readonly key: string } | { readonly all: string | undefined } | { readonly name: string; readonly scope: string | undefined } | { readonly tag: string; readonly scope: string | undefined }
  /** It only makes stale. */
  readonly soft: boolean
  /** It holds from the moment it was issued; otherwise from when it was done, for what had ended when it was issued. */
  readonly atOnce: boolean
  /** When its promise resolved; Infinity till then, and where it failed. */
  doneSeq: number
  doneElapsed: number
}

/** What the model has to know of the world. */
export interface Surroundings {
  readonly seq: number
  readonly elapsed: number
  readonly wall: number
  /** At the last drain: what ends since may have been judged then. */
  readonly drainedWall: number
  /** Nothing was ever lost, damaged or refused by the storage. */
  readonly clean: boolean
  /** Nothing was ever lost that the storage said it had written. */
  readonly honest: boolean
  readonly hasStorage: boolean
  /** No two processes were ever open at once on one storage. */
  readonly single: boolean
  readonly lagMs: number
  /** The most that one operation of the storage takes. */
  readonly delayMs: number
  /** Since this operation no clock went back. */
  readonly lastBack: number
  openedSeq(process: number): number
}

export class Model {
  readonly runs: Run[] = []
  readonly invalidations: Invalidation[] = []
  private readonly byKey = new Map<string, Run[]>()

  constructor(private readonly world: Surroundings) {}

  add(run: Run): void {
    this.runs.push(run)
    const ofKey = this.byKey.get(run.key.text)
    if (ofKey === undefined) this.byKey.set(run.key.text, [run])
    else ofKey.push(run)
  }

  ofKey(key: KeySpec): readonly Run[] {
    return this.byKey.get(key.text) ?? []
  }

  /** Why this value, which is as it was made, may not answer the call; undefined where it may. */
  refuses(call: Call, run: Run): string | undefined {
    const { world } = this
    if (run.key !== call.key) return `is a value of ${run.key.text}, not of ${call.key.text}`
    if (run.end === 'running') return 'was not made yet'
    if (!world.hasStorage && run.process !== call.process) return `was made in process ${run.process}, which shares no storage with ${call.process}`
    let softened = false
    const boards = call.kind === 'boards' && !run.given && run.process === call.process && call.seq <= run.landSeq
    let boarded = boards
    for (let i = this.invalidations.length - 1; i >= 0; i--) {
      const invalidation = this.invalidations[i]!
      if (invalidation.seq <= run.startSeq) break
      if (invalidation.seq >= call.seq || !covers(invalidation, run) || !this.binds(invalidation, call, run)) continue
      // Who boards a run cannot know what tags it will tell.
      if (boards && !covers(invalidation, run, invalidation.doneSeq < call.seq ? call.seq : -1)) continue
      boarded = false
      if (!invalidation.soft) return `was begun at #${run.startSeq}, before the invalidation #${invalidation.seq} of ${JSON.stringify(invalidation.what)} by process ${invalidation.process}${invalidation.atOnce ? '' : ', done at #' + String(invalidation.doneSeq)}`
      softened = true
    }
    if (boarded) return undefined
    if (run.skipped) return 'was skipped, and so not to be kept'
    if (run.aborted && !run.rules.keepAlive) return 'was abandoned, and so not to be kept'
    if (run.rules.validates && !run.valid) return 'was not valid, and so not to be kept'
    if (call.rules.validates && !run.valid) return 'is not valid'
    return this.tooOld(call, run, softened)
  }

  private tooOld(call: Call, run: Run, softened: boolean): string | undefined {
    const { world } = this
    const freshUntil = run.made + run.ttlMs + 1
    // What lies in a storage knows of no idleness.
    const idle = world.hasStorage || call.earliest < run.touched + run.rules.idleMs + 1
    if (!softened && idle && call.earliest < freshUntil && run.ttlMs > 0) return undefined
    const told = `was made at ${run.made} for ${run.ttlMs} ms, last asked for at ${run.touched}${softened ? ', expired since' : ''}; it is ${world.wall}`
    if (run.end === 'error' || call.kind === 'peeks') return told
    const { swrMs, staleIfErrorMs } = call.rules
    if (idle && swrMs > 0 && call.earliest < freshUntil + swrMs) return undefined
    if (call.kind !== 'boards' || staleIfErrorMs === 0 || Math.min(world.wall, world.drainedWall) >= freshUntil + staleIfErrorMs) return told
    return this.failedFor(call, run) ? undefined : `${told}, and the function neither failed nor was slow`
  }

  /** The function failed, or was slow, while this call waited. */
  private failedFor(call: Call, but: Run): boolean {
    const { elapsed } = this.world
    const slow = Math.min(call.rules.softTimeoutMs, call.rules.timeoutMs)
    return this.ofKey(call.key).some(run => run !== but && run.process === call.process && !run.given
      && ((run.end === 'error' && call.seq <= run.landSeq) || (elapsed >= run.startElapsed + slow && run.endElapsed >= run.startElapsed + slow)))
  }

  /** Has this call to obey the invalidation, as far as this value is concerned? */
  private binds(invalidation: Invalidation, call: Call, run: Run): boolean {
    const { world } = this
    const { process, doneSeq, doneElapsed } = invalidation
    const ofKey = 'key' in invalidation.what
    // A key is forgotten in one memory and in storage, where others may yet write.
    if (ofKey && world.hasStorage && (!world.single || doneSeq >= call.seq)) return false
    // It is stale from a time of day on.
    if (ofKey && invalidation.soft && world.lastBack >= invalidation.seq) return false
    if (!invalidation.atOnce) return world.clean && process === call.process && doneSeq < call.seq && run.landSeq < invalidation.seq
    // The process that made it could not know of a renewal elsewhere before it heard of the tag.
    if (run.process !== process && !covers(invalidation, run, invalidation.seq)) return false
    // A storage that lies may say later that nothing was renewed.
    // Of tags that another process gave it, it knows no names: to find out takes a look into storage.
    if (process === call.process) return ofKey || (world.honest && (run.process === process || doneSeq < call.seq))
    if (!world.hasStorage || !world.clean || doneSeq >= call.seq) return false
    if (world.openedSeq(call.process) > doneSeq) return true
    return !ofKey && world.lastBack < invalidation.seq && call.startElapsed >= doneElapsed + world.lagMs + 4 * world.delayMs
  }

  /** Did a function take longer than its `timeout` while this call waited? */
  tookTooLong(call: Call): boolean {
    const { elapsed } = this.world
    return this.ofKey(call.key).some(run => run.process === call.process && elapsed >= run.startElapsed + run.rules.timeoutMs && run.endElapsed >= run.startElapsed + run.rules.timeoutMs)
  }
}

/** `before`: with the tags that it had told then. */
function covers({ what }: Invalidation, { key, tags, toldTags }: Run, before = Infinity): boolean {
  if ('key' in what) return what.key === key.text
  if ('all' in what) return what.all === undefined || what.all === key.scope
  if (what.scope !== key.scope) return false
  return 'name' in what ? what.name === key.name : tags.includes(what.tag) || toldTags.some(({ tag, seq }) => tag === what.tag && seq < before)
}
