/**
 * What the tabs and workers of one origin share besides a database: leases by the Web Locks API, news by BroadcastChannel. A lock ends with its tab, however that ends,
 * so a lease needs no sign of life. Where a browser, or a page that did not come over https, has none of them, each tab is on its own.
 */
import { isBytes } from '../is-a.js'
import type { Lease, Storage } from './storage.js'

export function tabs(name: string): Pick<Storage, 'lease' | 'released' | 'publish' | 'subscribe'> {
  const { navigator, performance, BroadcastChannel: Channel } = globalThis as Partial<typeof globalThis>
  const locks = navigator?.locks
  const lockOf = (key: string): string => `reprise:${name}:${key}`
  const channelOf = (): BroadcastChannel => new Channel!(`reprise:${name}`)
  return {
    ...(locks && {
      lease: (key: string) => new Promise<Lease | undefined>((resolve, reject) => {
        let held = true
        const hold = (lock: Lock | null): Promise<void> | null => lock && new Promise<void>(end => {
          const release = async (): Promise<void> => {
            held = false
            end()
          }
          // Microseconds since 1970, the same for all tabs; and the lock is held when they are read.
          const nowMs = performance ? performance.timeOrigin + performance.now() : Date.now()
          resolve({ fence: Math.floor(1000 * nowMs), renew: async () => held, release })
        })
        locks.request(lockOf(key), { ifAvailable: true }, hold).then(() => resolve(undefined), reject)
      }),
      async released(key: string, ms: number) {
        // Who shares a lock waits for whoever has it alone.
        await locks.request(lockOf(key), { mode: 'shared', signal: AbortSignal.timeout(ms) }, () => {}).catch(() => {})
      },
    }),
    ...(Channel && {
      async publish(message: Uint8Array) {
        const channel = channelOf()
        channel.postMessage(message)
        channel.close()
      },
      async subscribe(listener: (message: Uint8Array) => void) {
        const channel = channelOf()
        channel.onmessage = ({ data }) => {
          if (isBytes(data)) listener(data)
        }
        return async () => channel.close()
      },
    }),
  }
}
