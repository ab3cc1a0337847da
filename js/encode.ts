/**
 * The walk: arguments, whatever they are, become an outline (outline.ts) that is the same exactly when they are.
 *
 * Two rules carry the proof that no two values share an outline: every item begins with its type, every content with its
 * length, and what has no identity is refused instead of approximated. It is fast because it makes no text in between,
 * and because the order of an object's names is remembered by shape (shapes.ts).
 */
import { Canonical } from './canonical.js'
import { GrowingWriter, typedArrayName, typedArrayTag } from './cbor.js'
import { major, simple, tag } from './cbor-numbers.js'
import { KeyError, show } from './errors.js'
import { Outline } from './outline.js'
import { compareBytes, type Shape, Shapes } from './shapes.js'
import type { Node } from './trie.js'

/** The first item of every key; another number whenever the encoding changes. */
export const keyFormat = 1

/** Values nested deeper are refused. */
export const maxDepth = 512

/** Whose entries: nobody's in particular, a tenant's, or, of a scope within another, the names from the outermost on. */
export type Scope = string | readonly string[] | null

/** The bytes before the arguments: `[format, scope, name, version, …`. The same for every call of a function. */
export function keyPrefix(scope: Scope, name: string | null, version: string | number | null): Uint8Array {
  return firstItems(5, [scope, name, version])
}

/** The beginning of an array of `length` items: our format, then these. */
export function firstItems(length: number, items: readonly (Scope | number)[]): Uint8Array {
  const writer = new GrowingWriter(64)
  writer.head(major.array, length)
  writer.integer(keyFormat)
  for (const item of items) {
    if (item === null) writer.byte(simple.null)
    else if (typeof item === 'string') writer.text(item)
    else if (typeof item === 'number') number(writer, item)
    else {
      writer.head(major.array, item.length)
      for (const name of item) writer.text(name)
    }
  }
  return writer.take()
}

/** Writes keys, one after the other, and remembers the shapes it meets. */
export class KeyEncoder {
  private readonly shapes = new Shapes()
  private readonly canonical = new Canonical(this.shapes)
  private depth = 0
  private metSignal = false
  /** Arguments are looked through for signals at their end: there was one among them once. */
  private endsInSignals = false
  /** Walking again, so every object is looked through for signals: a mark on its shape may be gone by now (Shapes forgets). */
  private careful = false
  /** Values that were read and not yet written, those of each object on top of its holder's. */
  private readonly values: unknown[] = []
  private top = 0
  private highest = 0
  /** Of each depth: the shape of the object that was met there last, which mostly is the next one's. */
  private readonly guesses: Shape[] = []
  /** Someone gave Object.prototype a member that for-in shows. */
  private polluted = false

  /** How many keys were begun. */
  private begun = 0

  /** Where the current key goes. */
  private out!: Outline

  /**
   * Writes `prefix` and the arguments into `out`. Throws KeyError, with the path of the part, where the arguments have no
   * identity; what was written by then is worthless.
   */
  write(out: Outline, prefix: Uint8Array, args: readonly unknown[]): void {
    const { values } = this
    const key = ++this.begun
    this.out = out
    this.polluted = hasNames(nothing)
    this.careful = false
    // Walked again only where an AbortSignal is met in a shape, or among the arguments, for the first time.
    for (;;) {
      this.depth = this.top = this.highest = 0
      this.metSignal = false
      try {
        out.begin(prefix)
        const looksForSignals = this.careful || this.endsInSignals
        this.array(args, looksForSignals ? lengthWithoutSignals(args) : args.length, 'args')
        if (key !== this.begun) throw anotherKey()
        if (!this.metSignal || looksForSignals) return
        this.endsInSignals = true
        throw again
      } catch (error) {
        if (key !== this.begun) throw anotherKey()
        this.out = out
        if (error === again) {
          this.careful = true
          continue
        }
        throw error instanceof Refusal ? error.asKeyError() : error
      } finally {
        for (let i = 0; i < this.highest; i++) values[i] = undefined
      }
    }
  }

  /** The canonical bytes of the key that was written last, into `out`. */
  canonicalBytes(out: Outline): Uint8Array {
    return this.canonical.bytesOf(out)
  }

  private value(value: unknown): void {
    // (A switch would ask for the type's name; these ask for the type.)
    if (typeof value === 'string') this.out.text(value)
    else if (typeof value === 'number') number(this.out, value)
    else if (typeof value === 'boolean') this.out.simple(value ? simple.true : simple.false)
    else if (value === undefined) this.out.simple(simple.undefined)
    else if (value === null) this.out.simple(simple.null)
    else if (typeof value === 'object') this.object(value)
    else if (typeof value === 'bigint') this.out.bigint(value)
    else throw new Refusal(`is ${typeof value === 'symbol' ? 'a symbol' : show(value)}, which no two calls can be said to share. ${advice}`)
  }

  private object(value: object): void {
    if (++this.depth > maxDepth) throw new Refusal(`is nested deeper than ${maxDepth} levels. ${advice}`, value)
    if (Array.isArray(value)) this.array(value, value.length, '')
    else {
      const prototype: unknown = Object.getPrototypeOf(value)
      if (prototype === Object.prototype) this.plain(value as Record<string, unknown>, this.polluted)
      else if (isPlain(value)) this.plain(value as Record<string, unknown>, true)
      else this.special(value)
    }
    this.depth--
  }

  private array(items: readonly unknown[], length: number, name: string): void {
    this.out.head(major.array, length)
    let i = 0
    try {
      for (; i < length; i++) {
        const item = items[i]
        if (item === undefined && !(i in items)) this.tagged(tag.hole, null)
        else this.value(item)
      }
    } catch (error) {
      throw within(error, `${name}[${i}]`, items)
    }
  }

  /**
   * Members are read in the order in which they stand, which V8 does fast, and written in the order of their names.
   * for-in also names what the prototype has; as long as Object.prototype has nothing enumerable that is nothing.
   */
  private plain(object: Record<string, unknown>, own: boolean): void {
    const { values, depth } = this
    const base = this.top
    let top = base
    const guess = this.guesses[depth]
    const standing = guess?.standing ?? noNames
    let node: Node<Shape> | undefined
    let reading = ''
    try {
      if (own) {
        node = this.shapes.root
        for (const name of Object.keys(object)) {
          reading = name
          node = node.step(name)
          values[top++] = object[name]
        }
      } else {
        for (const name in object) {
          reading = name
          if (node !== undefined) node = node.step(name)
          else if (name !== standing[top - base]) node = this.shapes.of(standing.slice(0, top - base)).step(name)
          values[top++] = object[name]
        }
      }
    } catch (error) {
      throw within(error, member(reading), object)
    }
    let shape = guess
    if (shape === undefined || node !== undefined || top - base !== standing.length) {
      node ??= this.shapes.of(standing.slice(0, top - base))
      shape = this.guesses[depth] = node.shape ??= this.shapes.shapeOf(node.path())
    }
    if (shape.hasToJson && typeof object['toJSON'] === 'function') return this.viaToJson(object, object['toJSON'])
    this.top = top
    if (top > this.highest) this.highest = top
    if (shape.mayHoldSignals || this.careful) this.membersButSignals(object, shape, base)
    else this.members(object, shape, base)
    this.top = base
  }

  private members(object: object, shape: Shape, base: number): void {
    const { out, values } = this
    const { order } = shape
    const count = order.length
    const { metSignal } = this
    this.metSignal = false // until one is met in this object
    out.object(shape)
    let i = 0
    try {
      for (; i < count; i++) {
        const value = values[base + order[i]!]
        if (typeof value === 'string') out.text(value)
        else this.value(value)
      }
    } catch (error) {
      throw within(error, member(shape.names[i]!), object)
    }
    if (this.metSignal) {
      shape.mayHoldSignals = true
      throw again
    }
    this.metSignal = metSignal
  }

  private membersButSignals(object: object, shape: Shape, base: number): void {
    const { out, values, metSignal } = this
    const kept = shape.names.map((name, i) => ({ name, value: values[base + shape.order[i]!] })).filter(({ value }) => !isAbortSignal(value))
    out.object(this.shapes.shape(kept.map(({ name }) => name)))
    for (const { name, value } of kept) {
      try {
        this.value(value)
      } catch (error) {
        throw within(error, member(name), object)
      }
    }
    this.metSignal = metSignal
  }

  /** Everything that is neither an array nor a plain object, whatever realm it is from. */
  private special(value: object): void {
    if (ArrayBuffer.isView(value)) return this.view(value)
    const type = typeName(value)
    if (type === 'Error' || type === 'DOMException') {
      const { name, message, cause } = value as Error
      return this.parts(tag.error, 'cause' in value ? [name, message, cause] : [name, message], value)
    }
    if (type === 'AbortSignal' || isAbortSignal(value)) {
      this.metSignal = true
      return this.out.simple(simple.undefined)
    }
    // A subclass may hold more than its base shows, so it counts as a class of its own.
    if (isDirect(value)) {
      switch (type) {
        case 'ArrayBuffer':
          return this.out.byteString(new Uint8Array(value as ArrayBuffer))
        case 'Date':
          return this.tagged(tag.date, (value as Date).getTime())
        case 'Map':
          return this.map(value as Map<unknown, unknown>)
        case 'Set':
          return this.set(value as Set<unknown>)
        case 'RegExp':
          return this.parts(tag.regExp, [(value as RegExp).source, (value as RegExp).flags], value)
        case 'URL':
          return this.tagged(tag.url, (value as URL).href)
        case 'URLSearchParams':
          return this.tagged(tag.searchParams, String(value))
      }
    }
    const toJson: unknown = (value as { toJSON?: unknown }).toJSON
    if (typeof toJson === 'function') return this.viaToJson(value, toJson)
    throw new Refusal(`is ${describe(value, type)}, which no two calls can be said to share. Give it a toJSON() method, pass plain data, or say what counts with the \`key\` option.`)
  }

  private viaToJson(value: object, toJson: Function): void {
    this.out.head(major.tag, tag.json)
    let json: unknown
    try {
      json = toJson.call(value, '')
    } catch (cause) {
      throw new Refusal(`has a toJSON() that threw: ${cause instanceof Error ? cause.message : show(cause)}.`, undefined, cause)
    }
    if (json === value) throw new Refusal('has a toJSON() that returns the object itself. Return plain data that identifies it.')
    this.nested(json, value)
  }

  private view(view: ArrayBufferView): void {
    const name = typedArrayName(view)
    const number = name === undefined ? tag.dataView : typedArrayTag[name]
    if (number === undefined) throw new Refusal(`is a ${name}, a kind of array that keys do not know. Pass a Uint8Array of its bytes.`)
    if (!isDirectView(view, name === undefined)) throw new Refusal(`is ${describe(view, name ?? 'DataView')}, which may hold more than its bytes. Pass those, or say what counts with the \`key\` option.`)
    this.out.head(major.tag, number)
    this.out.byteString(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))
  }

  /** Maps and sets are unordered: what they hold is sorted by its own encoded bytes. */
  private map(map: Map<unknown, unknown>): void {
    const entries: { key: Uint8Array; value: Uint8Array }[] = []
    for (const [key, value] of map) {
      if (!isAbortSignal(value)) entries.push({ key: this.aside(key, map), value: this.aside(value, map) })
    }
    entries.sort((a, b) => compareBytes(a.key, b.key) || compareBytes(a.value, b.value))
    this.out.head(major.tag, tag.map)
    this.out.head(major.map, entries.length)
    for (const { key, value } of entries) {
      this.out.raw(key)
      this.out.raw(value)
    }
  }

  private set(set: Set<unknown>): void {
    const items = [...set].filter(item => !isAbortSignal(item)).map(item => this.aside(item, set))
    items.sort(compareBytes)
    this.out.head(major.tag, tag.set)
    this.out.head(major.array, items.length)
    for (const item of items) this.out.raw(item)
  }

  private parts(number: number, parts: readonly unknown[], holder: object): void {
    this.out.head(major.tag, number)
    this.out.head(major.array, parts.length)
    for (const part of parts) this.nested(part, holder)
  }

  private tagged(number: number, content: number | string | null): void {
    this.out.head(major.tag, number)
    this.value(content)
  }

  /** A value that stands inside `holder` without a name of its own. */
  private nested(value: unknown, holder: object): void {
    try {
      this.value(value)
    } catch (error) {
      throw within(error, '', holder)
    }
  }

  /** The bytes of one value by itself, to be sorted among others. */
  private aside(value: unknown, holder: object): Uint8Array {
    const { out } = this
    const aside = new Outline()
    this.out = aside
    this.nested(value, holder)
    this.out = out
    return this.canonical.bytesOf(aside)
  }
}

/** Thrown where the walk learnt something that it should have known: it begins anew. */
const again = Symbol('again')

const advice = 'Pass plain data, or say what counts with the `key` option.'

/** Integers that a double holds exactly are CBOR integers, -0 is 0, NaN has one form: equal numbers, equal bytes. */
function number(out: Outline | GrowingWriter, x: number): void {
  if (Number.isSafeInteger(x)) out.integer(x)
  else out.float(x)
}

/** Why a value cannot be a key; gathers its path on the way up. No Error, as most of them would be thrown away. */
class Refusal {
  private path = ''
  constructor(
    private problem: string,
    /** What stood at the depth limit: if it turns up again on the way up, the value contains itself. */
    private readonly deepest?: object,
    private readonly cause?: unknown,
  ) {}

  passThrough(step: string, holder: object): this {
    if (holder === this.deepest) {
      this.path = ''
      this.problem = `refers back to an object that contains it. ${advice}`
    }
    this.path = step + this.path
    return this
  }

  asKeyError(): KeyError {
    const path = this.path.length > 120 ? `${this.path.slice(0, 120)}…` : this.path
    return new KeyError(path, this.problem, this.cause === undefined ? undefined : { cause: this.cause })
  }
}

/** A getter or a toJSON() had a key made while its own was: what has been written is part of both. */
function anotherKey(): KeyError {
  return new KeyError('args', `call the cache while their key is being made, by a getter or a toJSON(). ${advice}`)
}

function within(error: unknown, step: string, holder: object): unknown {
  if (error instanceof Refusal) return error.passThrough(step, holder)
  if (error === again || error instanceof KeyError) return error
  // A getter or a proxy threw.
  return new Refusal(`could not be read: ${error instanceof Error ? error.message : show(error)}.`, undefined, error).passThrough(step, holder)
}

function member(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`
}

/** An AbortSignal is no part of a key: at the end of the arguments it leaves no trace. */
function lengthWithoutSignals(args: readonly unknown[]): number {
  let length = args.length
  while (length > 0 && isAbortSignal(args[length - 1])) length--
  return length
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) === Object.prototype) return false
  return typeof AbortSignal === 'function' && (value instanceof AbortSignal || typeName(value) === 'AbortSignal')
}

const nothing = {}
const noNames: readonly string[] = []

/** for-in finds something: what the object itself does not have, its prototype has. */
function hasNames(object: object): boolean {
  for (const _ in object) return true
  return false
}

/** An object literal, JSON, or Object.create(null), of this realm or another. */
export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype || prototype === null) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

/** An instance of a built-in class itself, not of a class derived from it. */
function isDirect(value: object): boolean {
  const base: unknown = Object.getPrototypeOf(Object.getPrototypeOf(value))
  return base !== null && Object.getPrototypeOf(base) === null
}

/** The same of views: over Object's prototype stands DataView's, or that of all typed arrays with that of one kind. A Buffer is one more, and holds no more than its bytes. */
function isDirectView(view: ArrayBufferView, isDataView: boolean): boolean {
  let height = 0
  for (let base: unknown = Object.getPrototypeOf(view); base !== null; base = Object.getPrototypeOf(base)) height++
  return height <= (isDataView ? 2 : typeof (view.constructor as { isBuffer?: unknown } | undefined)?.isBuffer === 'function' ? 4 : 3)
}

export function typeName(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1)
}

function describe(value: object, type: string): string {
  const name: unknown = (value as { constructor?: { name?: unknown } }).constructor?.name
  if (typeof name === 'string' && name !== '') return `an instance of ${name}`
  return type === 'Object' ? 'an instance of a class' : `an instance of a class derived from ${type}`
}

/** The canonical bytes of one key by itself, as the command and tests want them. Throws KeyError. */
export function canonicalBytes(prefix: Uint8Array, args: readonly unknown[]): Uint8Array {
  const encoder = new KeyEncoder()
  const outline = new Outline()
  encoder.write(outline, prefix, args)
  return encoder.canonicalBytes(outline)
}
