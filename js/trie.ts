/**
 * From the names of an object, as they stand, to what is known of all objects with these names in this order (their shape).
 *
 * Names are interned strings and objects come in few shapes, so a step is one pointer comparison with the name that was
 * stepped over last. Hot loops make it themselves, before they call step().
 */

/** A node of the trie: the names that lead to it are an object's first names. */
export class Node<Shape> {
  shape: Shape | undefined
  /** The name that was stepped over last. Always a string: V8 compares strings that are both interned by their pointers. */
  lastName = ''
  lastChild: Node<Shape> | undefined
  /** The first children, looked through one by one: a pointer comparison each is cheaper than a look-up. */
  readonly names: string[] = []
  readonly nodes: Node<Shape>[] = []
  /** The children beyond those. */
  more: Map<string, Node<Shape>> | undefined

  constructor(
    private readonly owner: Trie<Shape>,
    private readonly parent?: Node<Shape>,
    private readonly name = '',
  ) {}

  /** The names that lead here. */
  path(): string[] {
    const names: string[] = []
    for (let node: Node<Shape> = this; node.parent !== undefined; node = node.parent) names.push(node.name)
    return names.reverse()
  }

  /** The node that one more name leads to. */
  step(name: string): Node<Shape> {
    return this.owner.step(this, name)
  }
}

export class Trie<Shape> {
  root = new Node<Shape>(this)
  private nodes = 0

  /** Objects used as dictionaries have a shape each: beyond `maxNodes` the trie starts anew. */
  constructor(private readonly maxNodes = 20_000) {}

  /** The node of an object with these names in this order. */
  of(names: readonly string[]): Node<Shape> {
    let node = this.root
    for (const name of names) node = node.step(name)
    return node
  }

  step(node: Node<Shape>, name: string): Node<Shape> {
    const child = find(node, name) ?? this.add(node, name)
    node.lastName = name
    node.lastChild = child
    return child
  }

  private add(node: Node<Shape>, name: string): Node<Shape> {
    if (++this.nodes > this.maxNodes) {
      this.root = new Node(this)
      this.nodes = 0
    }
    const child = new Node(this, node, name)
    if (node.names.length < firstChildren) {
      node.names.push(name)
      node.nodes.push(child)
    } else (node.more ??= new Map()).set(name, child)
    return child
  }
}

const firstChildren = 12

function find<Shape>(node: Node<Shape>, name: string): Node<Shape> | undefined {
  const { names } = node
  for (let i = 0; i < names.length; i++) if (names[i] === name) return node.nodes[i]
  return node.more?.get(name)
}
