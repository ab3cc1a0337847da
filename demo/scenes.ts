// What there is to paint. A scene is plain data: spheres on a ground plane (y = 0), a sky, a sun, a lens.
// The seed scatters the small things, so that every seed is another picture of the same scene.

import { Sampler } from './sampler.js'

export type Vector = readonly [number, number, number]

export type Material =
  | { readonly kind: 'matte', readonly color: Vector }
  | { readonly kind: 'glazed', readonly color: Vector }
  | { readonly kind: 'metal', readonly color: Vector, readonly roughness: number }
  | { readonly kind: 'glass', readonly color: Vector, readonly refraction: number }
  | { readonly kind: 'light', readonly color: Vector }

export interface Sphere {
  readonly center: Vector
  readonly radius: number
  readonly material: Material
}

export interface Scene {
  readonly spheres: readonly Sphere[]
  readonly ground: { readonly color: Vector, readonly otherColor: Vector, readonly tile: number, readonly glaze: number }
  readonly sky: { readonly zenith: Vector, readonly horizon: Vector, readonly fadeDistance: number }
  readonly sun: { readonly direction: Vector, readonly color: Vector, readonly radius: number, readonly glow: number }
  readonly camera: {
    readonly from: Vector
    readonly to: Vector
    readonly tangent: number
    readonly aperture: number
    readonly focus: Vector
  }
  readonly exposure: number
}

export const sceneNames = ['marbles', 'sunset', 'lanterns'] as const
export type SceneName = (typeof sceneNames)[number]

export function sceneNamed(name: string, seed: number): Scene {
  const known = sceneNames.find((known) => known === name)
  if (known === undefined) {
    throw new RangeError(`There is no scene named ${JSON.stringify(name)}. The scenes are: ${sceneNames.join(', ')}.`)
  }
  return scenes[known](seed)
}

const scenes: Record<SceneName, (seed: number) => Scene> = { marbles, sunset, lanterns }

const glass: Material = { kind: 'glass', color: [0.99, 1, 1], refraction: 1.5 }
const gold: Material = { kind: 'metal', color: [1, 0.72, 0.3], roughness: 0.03 }
const steel: Material = { kind: 'metal', color: [0.9, 0.91, 0.93], roughness: 0.01 }
const copper: Material = { kind: 'metal', color: [0.96, 0.58, 0.42], roughness: 0.12 }

function marbles(seed: number): Scene {
  const big: Sphere[] = [
    ball(-0.15, 0, 1, glass),
    ball(2.05, -0.85, 1, gold),
    ball(-2.2, -0.7, 1, glazed(0.62, 0.06, 0.07)),
    ball(1.05, 1.45, 0.38, glazed(0.03, 0.24, 0.42)),
    ball(-1.25, 1.35, 0.42, steel),
    ball(0.4, -3.2, 1.1, glazed(0.05, 0.36, 0.36)),
  ]
  const palette = [
    glazed(0.9, 0.5, 0.07), glazed(0.04, 0.34, 0.36), glazed(0.8, 0.16, 0.12), glazed(0.85, 0.82, 0.76),
    glazed(0.08, 0.13, 0.34), gold, glass, steel, matte(0.78, 0.36, 0.34), glazed(0.36, 0.5, 0.2),
  ]
  return {
    spheres: [...big, ...scattered(big, palette, { seed, count: 34, from: [-3.6, -3.5], to: [3.6, 2.9], radii: [0.14, 0.28] })],
    ground: { color: [0.5, 0.44, 0.36], otherColor: [0.27, 0.25, 0.25], tile: 1.1, glaze: 0.6 },
    sky: { zenith: [0.08, 0.27, 0.72], horizon: [0.62, 0.74, 0.86], fadeDistance: 30 },
    sun: { direction: [-0.62, 0.6, 0.38], color: [2.7, 2.2, 1.55], radius: 0.06, glow: 0.3 },
    camera: { from: [0.3, 2.5, 7], to: [0, 0.55, 0], tangent: 0.36, aperture: 0.085, focus: [-0.15, 0.9, 0.9] },
    exposure: 0.62,
  }
}

function sunset(seed: number): Scene {
  const big: Sphere[] = [
    ball(-1.15, -0.3, 1.15, steel),
    ball(1.25, 0.15, 0.85, glass),
    ball(2.75, -1.6, 1, copper),
    ball(-3.1, -2.2, 0.9, glazed(0.5, 0.08, 0.16)),
    ball(0.35, 1.5, 0.36, gold),
  ]
  const palette = [steel, copper, glass, glazed(0.82, 0.4, 0.2), glazed(0.36, 0.1, 0.28), glazed(0.86, 0.76, 0.7)]
  return {
    spheres: [...big, ...scattered(big, palette, { seed, count: 26, from: [-3.8, -4], to: [3.8, 2.6], radii: [0.12, 0.27] })],
    ground: { color: [0.2, 0.16, 0.19], otherColor: [0.2, 0.16, 0.19], tile: 1, glaze: 1 },
    sky: { zenith: [0.1, 0.12, 0.36], horizon: [1.25, 0.52, 0.26], fadeDistance: 30 },
    sun: { direction: [0.3, 0.13, -0.94], color: [4.6, 2.1, 0.8], radius: 0.045, glow: 1.3 },
    camera: { from: [0, 1.25, 7], to: [0, 0.95, 0], tangent: 0.36, aperture: 0.07, focus: [0, 1, 0.6] },
    exposure: 0.85,
  }
}

function lanterns(seed: number): Scene {
  const big: Sphere[] = [
    ball(-1.9, -0.4, 0.95, glazed(0.07, 0.12, 0.3)),
    ball(0.1, 0.1, 0.9, glass),
    ball(2, -0.7, 1, steel),
    ball(-0.9, 1.5, 0.3, light(9, 4.2, 1.3)),
    ball(1.25, 1.2, 0.24, light(9, 5, 1.9)),
    ball(3.3, 0.2, 0.3, light(7.5, 2.4, 1.5)),
    ball(-3.2, 0.7, 0.26, light(8, 5, 2.2)),
    ball(0.7, -2.6, 0.42, light(6.5, 3.2, 1.2)),
    ball(-3.1, -3.4, 0.5, light(5, 1.7, 2)),
  ]
  const palette = [steel, copper, glass, gold, glazed(0.5, 0.52, 0.56), glazed(0.1, 0.25, 0.4), matte(0.6, 0.3, 0.26)]
  return {
    spheres: [...big, ...scattered(big, palette, { seed, count: 24, from: [-3.6, -3.5], to: [3.6, 2.7], radii: [0.13, 0.26] })],
    ground: { color: [0.24, 0.25, 0.29], otherColor: [0.24, 0.25, 0.29], tile: 1, glaze: 1 },
    sky: { zenith: [0.012, 0.02, 0.07], horizon: [0.1, 0.12, 0.26], fadeDistance: 22 },
    sun: { direction: [-0.5, 0.5, 0.4], color: [0.06, 0.08, 0.14], radius: 0.1, glow: 0 },
    camera: { from: [0, 1.85, 7.2], to: [0, 0.65, 0], tangent: 0.36, aperture: 0.08, focus: [0, 0.9, 0.9] },
    exposure: 1.05,
  }
}

/** A ball that lies on the ground. */
function ball(x: number, z: number, radius: number, material: Material): Sphere {
  return { center: [x, radius, z], radius, material }
}

function glazed(red: number, green: number, blue: number): Material {
  return { kind: 'glazed', color: [red, green, blue] }
}

function matte(red: number, green: number, blue: number): Material {
  return { kind: 'matte', color: [red, green, blue] }
}

function light(red: number, green: number, blue: number): Material {
  return { kind: 'light', color: [red, green, blue] }
}

interface Scatter {
  readonly seed: number
  readonly count: number
  readonly from: readonly [number, number]
  readonly to: readonly [number, number]
  readonly radii: readonly [number, number]
}

/** Small balls where nothing lies yet. A place that is taken is given up, so that crowded scenes stay finite. */
function scattered(taken: readonly Sphere[], palette: readonly Material[], scatter: Scatter): Sphere[] {
  const sampler = new Sampler(scatter.seed)
  const placed: Sphere[] = []
  for (let attempt = 0; attempt < 40 * scatter.count && placed.length < scatter.count; attempt++) {
    sampler.startPixel(attempt)
    sampler.startSample(0)
    const x = between(sampler.next(), scatter.from[0], scatter.to[0])
    const z = between(sampler.next(), scatter.from[1], scatter.to[1])
    const radius = between(sampler.next(), scatter.radii[0], scatter.radii[1])
    const candidate = ball(x, z, radius, palette[placed.length % palette.length]!)
    if ([...taken, ...placed].every((other) => apart(candidate, other))) placed.push(candidate)
  }
  return placed
}

function between(u: number, low: number, high: number): number {
  return low + u * (high - low)
}

function apart(a: Sphere, b: Sphere): boolean {
  const x = a.center[0] - b.center[0]
  const y = a.center[1] - b.center[1]
  const z = a.center[2] - b.center[2]
  const reach = a.radius + b.radius + 0.03
  return x * x + y * y + z * z > reach * reach
}
