/** What stands before every key, where a storage shares its place with others. */
import { OptionError, show } from '../errors.js'

/** A text of 1 to 128 characters of ASCII that are printed; `reprise:` where none is given. Throws OptionError for anything else. */
export function parsePrefix(what: string, prefix: unknown = 'reprise:'): string {
  if (typeof prefix === 'string' && /^[!-~]{1,128}$/.test(prefix)) return prefix
  throw new OptionError(`${what}: prefix`, `${show(prefix)} is not a text of 1 to 128 letters, digits or signs (no spaces). Leave it out for 'reprise:'.`)
}
