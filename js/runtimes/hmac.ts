/** HMAC-SHA-256 where WebCrypto is, or where it is not (a page that did not come over https). Loaded only where there is a secret. */
import type { Digest } from './runtime.js'

export function hmac(secret: Uint8Array): Digest {
  const { subtle } = crypto
  if (typeof subtle !== 'object') return ownHmac(secret)
  let key: Promise<CryptoKey> | undefined
  return async bytes => {
    key ??= subtle.importKey('raw', secret as BufferSource, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    return new Uint8Array(await subtle.sign('HMAC', await key, bytes as BufferSource))
  }
}

function ownHmac(secret: Uint8Array): Digest {
  return async bytes => {
    const [{ hmac }, { sha256 }] = await Promise.all([import('@noble/hashes/hmac.js'), import('@noble/hashes/sha2.js')])
    return hmac(sha256, secret, bytes)
  }
}
