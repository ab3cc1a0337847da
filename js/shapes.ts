/**
 * The order of an object's names, remembered.
 *
 * Deterministic CBOR sorts the keys of a map by their encoded bytes. Sorting and encoding the same few names anew for
 * every object would be most of the work of a key, and objects come in few shapes (the same names in the same
 * order, as V8's hidden classes know too). So a trie over names leads from an object's keys, as they stand, to their
 * sorted order and their encoded bytes. Names are interned strings: each step is one pointer comparison.
 */
import { GrowingWriter } from './cbor.js'

export interface Shape {
  /** Sorted. */
  readonly names: readonly string[]
  /** `encoded[i]` is names[i] as a CBOR text item. */
  readonly encoded: readonly Uint8Array[]
  /** An AbortSignal was once met in an object of this shape; such members are left out of keys. */
  mayHoldSignals: boolean
}

/** Objects used as dictionaries have a shape each: beyond this many nodes the trie starts anew. */
const maxNodes = 20_000

/** Longer objects are dictionaries, and sorting them costs less than remembering them. */
const maxNames = 128

class Node {
  shape: Shape | undefined
  lastName: string | undefined
  lastChild: Node | undefined
  readonly children = new Map<string, Node>()
}

export class Shapes {
  private root = new Node()
  private nodes = 0

  /** The shape of an object whose Object.keys are these. */
  of(keys: readonly string[]): Shape {
    if (keys.length > maxNames) return sorted(keys)
    let node = this.root
    for (let i = 0; i < keys.length; i++) {
      const name = keys[i]!
      node = node.lastName === name ? node.lastChild! : this.step(node, name)
    }
    return (node.shape ??= sorted(keys))
  }

  private step(node: Node, name: string): Node {
    let child = node.children.get(name)
    if (child === undefined) {
      if (++this.nodes > maxNodes) {
        this.root = new Node()
        this.nodes = 0
      }
      child = new Node()
      node.children.set(name, child)
    }
    node.lastName = name
    node.lastChild = child
    return child
  }
}

function sorted(keys: readonly string[]): Shape {
  const members = keys.map(name => ({ name, bytes: encodedName(name) })).sort((a, b) => compareBytes(a.bytes, b.bytes))
  return { names: members.map(m => m.name), encoded: members.map(m => m.bytes), mayHoldSignals: false }
}

function encodedName(name: string): Uint8Array {
  const writer = new GrowingWriter(name.length + 9)
  writer.text(name)
  return writer.take()
}

/** Byte by byte, as RFC 8949 section 4.2.1 orders encoded keys; shorter first where one begins the other. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return a.length - b.length
}
