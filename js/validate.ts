/**
 * Is a value what its function should return? Asked before it is stored, and of whatever the cache answers with: so a result that an older
 * version of a program stored cannot crash the newer one.
 */
import { OptionError, show } from './errors.js'

/** What of Standard Schema (standardschema.dev, version 1) is needed here: any schema of Zod, Valibot, ArkType … is one. */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    validate(value: unknown): Validated | Promise<Validated>
  }
}

/** Valid, where there are no issues. */
interface Validated {
  readonly value?: unknown
  readonly issues?: readonly unknown[] | undefined
}

/** A schema, or a function that says whether a value is right. One that throws says that it is not. */
export type Validator<Result = unknown> = StandardSchema | Predicate<Result>

/** A method's parameter, so that it may also be more than a result, or less: what it is asked of may come from an older version of the program. */
type Predicate<Result> = { of(value: Result): boolean | Promise<boolean> }['of']

export type Check = (value: unknown) => Promise<boolean>

/** Throws OptionError for what cannot validate. */
export function parseValidator(validate: Validator<never> | undefined): Check | undefined {
  if (validate === undefined) return undefined
  const standard = (validate as Partial<StandardSchema> | null)?.['~standard']
  if (typeof standard?.validate === 'function') return checked(async value => (await standard.validate(value)).issues === undefined)
  if (typeof validate === 'function') return checked(async value => (await (validate as (value: unknown) => unknown)(value)) === true)
  throw new OptionError('validate', `${show(validate)} can validate nothing. Give a Standard Schema (of Zod, Valibot, ArkType …), or (value) => true or false.`)
}

function checked(check: Check): Check {
  return value => check(value).catch(() => false)
}
