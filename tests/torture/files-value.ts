/** Values that tell whether they are whole. */
export interface Value {
  readonly key: string
  readonly number: number
  readonly text: string
}

/** Most are small; every eighth is above what the storage writes at once. */
export function valueOf(key: string, number: number): Value {
  const length = number % 8 === 0 ? 100_000 : 200 + (number % 5_000)
  return { key, number, text: `${key} ${number} `.repeat(Math.ceil(length / 20)) }
}

export function isWhole(key: string, value: unknown): value is Value {
  const { number } = (value ?? {}) as Value
  return Number.isSafeInteger(number) && JSON.stringify(value) === JSON.stringify(valueOf(key, number))
}
