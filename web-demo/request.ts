/** What this page asks for: the same as `npm start`, unless its address says otherwise. */
import { defaultPicture, type PictureRequest } from '../demo/picture.js'

/** `?width=96&height=64&samples=2` makes a picture that is painted in no time; the tests do. */
export function pictureAskedIn(search: string): PictureRequest {
  const given = new URLSearchParams(search)
  const number = (name: 'width' | 'height' | 'samples' | 'seed'): number => Number(given.get(name) ?? defaultPicture[name])
  return {
    scene: given.get('scene') ?? defaultPicture.scene,
    width: number('width'),
    height: number('height'),
    samples: number('samples'),
    seed: number('seed'),
  }
}

export function inWords({ scene, width, height, samples, seed }: PictureRequest): string {
  return `${scene}, ${width} × ${height} pixels, ${samples} samples for each, seed ${seed}`
}

export interface ChatModel {
  readonly model: string
  readonly description: string
}

/** Who answers behind this page's server. */
export async function findModel(): Promise<ChatModel> {
  const response = await fetch('upstream.json')
  if (!response.ok) throw new Error(`upstream.json answered ${response.status}`)
  return (await response.json()) as ChatModel
}
