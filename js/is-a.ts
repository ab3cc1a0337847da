/**
 * What a value is, asked of itself and not by `instanceof`: at the edge, in frames and in test runners (jsdom) it may come from another realm, whose
 * Uint8Array is another one. A Buffer is a Uint8Array here, too.
 */
export function isA<T>(value: unknown, name: string): value is T {
  return Object.prototype.toString.call(value) === `[object ${name}]`
}

export function isBytes(value: unknown): value is Uint8Array {
  return isA(value, 'Uint8Array')
}
