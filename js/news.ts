/**
 * What others who share the storage have invalidated, told by whom it was, where the storage can carry messages (Redis, tabs of a browser). A token that was renewed is told by its
 * place, and read again there: so who can send messages can make others look, and nothing else. A key that was set or forgotten is told by
 * what it was made of, as the others know their entries by nothing that they have in common; with a `secret`, which is to keep that from
 * those who see the storage, it is not told.
 *
 * News may be lost, and come twice, or late. What they make quicker holds without them: tokens are asked for every `invalidationLag`.
 *
 * It is a file of its own, loaded where there is such a storage, and imports nothing that others do.
 *
 * A message: format (1), sender (8 bytes), then `t` and the 8 bytes of a tag's number; or `k`, the length of the prefix of a key (4 bytes), the prefix,
 * the kind of the payload (1) and a payload with the arguments.
 */
import type { Parts } from './parts.js'

const format = 1
const senderSize = 8
const bodyAt = 1 + senderSize + 1
const ofToken = 0x74
const ofKey = 0x6b
/** The kind of payload that the arguments are in canonical bytes (`kind` of value.ts). */
const cbor = 0
/** Of larger keys nothing is told. */
const mostBytes = 65_536
const mostPrefix = 4_096

export class News {
  private told = false

  constructor(
    private readonly parts: Parts,
    private readonly sender: Uint8Array,
    private readonly tellsKeys: boolean,
  ) {}

  /** Listens from now on, if the storage lets it. May be called again where that failed. */
  async listen(): Promise<void> {
    const { storage } = this.parts
    // What reads keys is there before the first one comes: while it was on its way, somebody could look for a newer entry, and be told that there is none.
    void this.parts.decodable(cbor)
    if (!this.told && storage?.publishes === true) this.told = await storage.subscribe(message => void this.heard(message).catch(() => {}))
  }

  /** A tag has another token in storage. */
  tokenRenewed(number: Uint8Array): void {
    if (this.parts.storage?.publishes === true) this.tell(ofToken, number)
  }

  /** Storage has something else under a key than it had. */
  keyChanged(prefix: Uint8Array, canonical: Uint8Array): void {
    if (this.parts.storage?.publishes !== true || !this.tellsKeys || canonical.length > mostBytes) return
    const args = canonical.subarray(prefix.length)
    const body = new Uint8Array(4 + prefix.length + 1 + args.length)
    new DataView(body.buffer).setUint32(0, prefix.length)
    body.set(prefix, 4)
    body[4 + prefix.length] = cbor
    body.set(args, 4 + prefix.length + 1)
    this.tell(ofKey, body)
  }

  private tell(what: number, body: Uint8Array): void {
    const message = new Uint8Array(bodyAt + body.length)
    message[0] = format
    message.set(this.sender, 1)
    message[bodyAt - 1] = what
    message.set(body, bodyAt)
    this.parts.background(this.parts.storage!.publish(message))
  }

  private async heard(message: Uint8Array): Promise<void> {
    if (message[0] !== format || message.length <= bodyAt || this.sender.every((byte, i) => message[1 + i] === byte)) return
    const { parts } = this
    const body = message.subarray(bodyAt)
    if (message[bodyAt - 1] === ofToken) return parts.tokens.reread(body.subarray(0, 8))
    const length = new DataView(body.buffer, body.byteOffset).getUint32(0)
    const kind = body[4 + length]
    if (message[bodyAt - 1] !== ofKey || length > mostPrefix || kind === undefined || !(await parts.decodable(kind))) return
    const args = parts.decodePayload({ kind, bytes: body.slice(4 + length + 1) })
    const core = parts.core ?? parts.standby
    if (core === undefined || !Array.isArray(args)) return
    core.digest(body.slice(4, 4 + length), args as unknown[])
    const key = core.key()
    core.invalidate(key)
    parts.flights.doom(key.id)
    const name = await parts.storageName(core.canonicalBytes())
    if (name !== undefined) await parts.storage!.outdated(name.text)
  }
}
