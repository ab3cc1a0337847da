// A picture that takes seconds to paint: the stand-in for image generation, and an honest one. The work is real (a
// path tracer on this CPU), the result depends on nothing but the request, and the bytes are a PNG.
//
// It runs wherever JavaScript runs. It paints a few rows at a time and hands the event loop back between them, so
// that a page stays alive and Ctrl-C works.

import { encode } from 'fast-png'
import { sceneNamed } from './scenes.js'
import { Tracer } from './tracer.js'

export { sceneNames } from './scenes.js'

export interface PictureRequest {
  readonly scene: string
  readonly width: number
  readonly height: number
  readonly samples: number
  readonly seed: number
}

export interface PaintOptions {
  /** Called between pieces with the part that is done, 0 to 1. */
  readonly onProgress?: (done: number) => void
}

export const defaultPicture: PictureRequest = { scene: 'marbles', width: 480, height: 320, samples: 24, seed: 7 }

const ROWS_PER_PIECE = 2

export async function paint(request: PictureRequest, { onProgress }: PaintOptions = {}): Promise<Uint8Array> {
  const { scene, width, height, samples, seed } = checked(request)
  const tracer = new Tracer(sceneNamed(scene, seed), width, height, samples, seed)
  const pixels = new Uint8Array(width * height * 3)
  const eventLoop = new EventLoop()
  try {
    for (let y = 0; y < height; y++) {
      tracer.paintRow(y, pixels)
      if ((y + 1) % ROWS_PER_PIECE !== 0 && y + 1 !== height) continue
      onProgress?.((y + 1) / height)
      await eventLoop.turn()
    }
  } finally {
    eventLoop.close()
  }
  return encode({ width, height, data: pixels, channels: 3, depth: 8 })
}

function checked(request: PictureRequest): PictureRequest {
  checkInteger('width', request.width, 1, 4096)
  checkInteger('height', request.height, 1, 4096)
  checkInteger('samples', request.samples, 1, 10_000)
  checkInteger('seed', request.seed, -(2 ** 31), 2 ** 32 - 1)
  return request
}

function checkInteger(name: string, value: number, low: number, high: number): void {
  if (Number.isInteger(value) && value >= low && value <= high) return
  throw new RangeError(`paint: ${name} must be a whole number from ${low} to ${high}, not ${String(value)}.`)
}

/**
 * Turns of the event loop. In Node that is setImmediate: a message to oneself would not do, for Node delivers up to a
 * thousand of them in one turn. In browsers it is the message: timers are held back there for 4 ms each when they nest,
 * and for a second each in a tab that nobody looks at.
 */
class EventLoop {
  readonly #channel = typeof setImmediate === 'function' ? undefined : new MessageChannel()

  turn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#channel === undefined) {
        setImmediate(resolve)
        return
      }
      this.#channel.port1.onmessage = () => resolve()
      this.#channel.port2.postMessage(undefined)
    })
  }

  close(): void {
    this.#channel?.port1.close()
  }
}
