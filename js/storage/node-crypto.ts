/**
 * node:crypto when it is first needed: to load it takes 3 ms, as long as a third of all else that a start takes, and memory needs but a few random bytes of it.
 * Those are the kernel's own, which node:crypto draws from too, as long as nothing else has loaded it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

let loaded: typeof import('node:crypto') | undefined

export function nodeCrypto(): typeof import('node:crypto') {
  return (loaded ??= process.getBuiltinModule('node:crypto'))
}

export function randomBytes(count: number): Uint8Array {
  return (loaded === undefined ? ofKernel(count) : undefined) ?? new Uint8Array(nodeCrypto().randomBytes(count))
}

/** Undefined where there is no such device (Windows), or it may not be read. Deno would ask its user. */
function ofKernel(count: number): Uint8Array | undefined {
  if ('deno' in process.versions) return undefined
  try {
    const device = openSync('/dev/urandom', 'r')
    try {
      const bytes = new Uint8Array(count)
      return fstatSync(device).isCharacterDevice() && readSync(device, bytes, 0, count, null) === count ? bytes : undefined
    } finally {
      closeSync(device)
    }
  } catch {
    return undefined
  }
}
