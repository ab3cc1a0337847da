/** AES-256-GCM at once, by Node's own crypto: WebCrypto sends each piece to another thread and back, which takes far longer for small ones. */
import type { Aead } from './envelope.js'
import { nodeCrypto } from './node-crypto.js'

const algorithm = 'aes-256-gcm'
const authTagLength = 16

export function nodeAead(key: Uint8Array): Aead {
  const { createCipheriv, createDecipheriv } = nodeCrypto()
  return {
    seal(nonce, bytes, associated) {
      const cipher = createCipheriv(algorithm, key, nonce, { authTagLength }).setAAD(associated)
      return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()])
    },
    open(nonce, sealed, associated) {
      const end = sealed.length - authTagLength
      const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength }).setAAD(associated).setAuthTag(sealed.subarray(end))
      const bytes = decipher.update(sealed.subarray(0, end))
      try {
        decipher.final()
      } catch {
        // What was decrypted so far is nobody's to see.
        return undefined
      }
      return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    },
  }
}
