export interface Flags {
  readonly serve: boolean
  /** Where the page is served; undefined: the first free one from 4173 on. */
  readonly port: number | undefined
}
/** Says what it does not know, and what it knows. */
export class FlagError extends Error {}
/** Throws FlagError. */
export function parseFlags(args: readonly string[]): Flags
