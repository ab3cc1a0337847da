// A path tracer: light, followed backwards from the eye.
//
// Every sample starts at a point of the lens, goes through a point of the pixel, and bounces until it leaves for the
// sky, meets a lamp or has lost its strength. At each matte point the sun and one lamp are asked directly (next event
// estimation), because a path that finds a small lamp by chance is rare and shows as a speck; so a lamp met by chance
// counts only after a mirror-like bounce, where nobody asked.
//
// Only + - * / and Math.sqrt are used. IEEE 754 rounds these exactly, so the picture is the same to the bit in every
// engine; Math.sin and Math.pow carry no such promise. Directions and colours travel in Float64Arrays that are made
// once, because a number passed between functions that are not inlined is a heap object in V8.

import { Sampler } from './sampler.js'
import type { Material, Scene, Sphere, Vector } from './scenes.js'

const MATTE = 0
const GLAZED = 1
const METAL = 2
const GLASS = 3
const LIGHT = 4
const kindNumbers: Record<Material['kind'], number> = { matte: MATTE, glazed: GLAZED, metal: METAL, glass: GLASS, light: LIGHT }

const NOTHING = -1
const GROUND = -2

const MAX_BOUNCES = 12
const MAX_MATTE_BOUNCES = 2
const MAX_SAMPLE_RADIANCE = 5
const NEAR = 1e-4
// A glaze mirrors 4 % of the light. Followed in 4 % of the samples, a lamp in it is a spray of specks; followed in at
// least this share, each with less weight, it is a highlight.
const MIN_MIRROR_SHARE = 0.2
const SUN_DISC_RADIANCE = 9

export class Tracer {
  readonly #scene: Scene
  readonly #width: number
  readonly #height: number
  readonly #samples: number
  readonly #sampler: Sampler

  readonly #count: number
  // From the tallest to the lowest: a ray that climbs from above the next top has nothing left to meet.
  readonly #spheres: Float64Array // x, y, z, radius
  readonly #kinds: Uint8Array
  readonly #colors: Float64Array // r, g, b
  readonly #parameters: Float64Array // roughness or refraction
  readonly #lamps: readonly number[]

  readonly #sun: Vector
  readonly #sunCosine: number
  readonly #camera: ReturnType<typeof placeCamera>

  readonly #ray = new Float64Array(6) // origin, direction
  readonly #shadowRay = new Float64Array(6)
  readonly #distance = new Float64Array(1)
  readonly #disc = new Float64Array(2)
  readonly #normal = new Float64Array(3)
  readonly #albedo = new Float64Array(3)
  readonly #strength = new Float64Array(3) // how much of what this path still finds reaches the eye
  readonly #radiance = new Float64Array(3) // what it has found
  readonly #sky = new Float64Array(3)

  constructor(scene: Scene, width: number, height: number, samples: number, seed: number) {
    this.#scene = scene
    this.#width = width
    this.#height = height
    this.#samples = samples
    this.#sampler = new Sampler(seed, samples)

    const spheres = [...scene.spheres].sort((a, b) => topOf(b) - topOf(a))
    this.#count = spheres.length
    this.#spheres = Float64Array.from(spheres.flatMap((sphere) => [...sphere.center, sphere.radius]))
    this.#kinds = Uint8Array.from(spheres.map((sphere) => kindNumbers[sphere.material.kind]))
    this.#colors = Float64Array.from(spheres.flatMap((sphere) => [...sphere.material.color]))
    this.#parameters = Float64Array.from(spheres.map((sphere) => parameterOf(sphere.material)))
    this.#lamps = spheres.flatMap((sphere, index) => (sphere.material.kind === 'light' ? [index] : []))

    this.#sun = normalized(scene.sun.direction)
    this.#sunCosine = 1 - (scene.sun.radius * scene.sun.radius) / 2
    this.#camera = placeCamera(scene)
  }

  /** Paints row `y` as 8-bit RGB into `pixels`, a picture of the whole size. */
  paintRow(y: number, pixels: Uint8Array): void {
    const sampler = this.#sampler
    for (let x = 0; x < this.#width; x++) {
      const pixel = y * this.#width + x
      sampler.startPixel(pixel)
      let red = 0
      let green = 0
      let blue = 0
      for (let sample = 0; sample < this.#samples; sample++) {
        sampler.startSample(sample)
        this.#aim(x, y)
        this.#follow()
        red += Math.min(this.#radiance[0]!, MAX_SAMPLE_RADIANCE)
        green += Math.min(this.#radiance[1]!, MAX_SAMPLE_RADIANCE)
        blue += Math.min(this.#radiance[2]!, MAX_SAMPLE_RADIANCE)
      }
      const scale = (this.#scene.exposure * this.#vignette(x, y)) / this.#samples
      pixels[3 * pixel] = developed(red * scale)
      pixels[3 * pixel + 1] = developed(green * scale)
      pixels[3 * pixel + 2] = developed(blue * scale)
    }
  }

  /** Points the ray from a place on the lens, through a place in the pixel, to where that pixel is in focus. */
  #aim(x: number, y: number): void {
    const { from, right, up, forward, tangent, focusDistance, aperture } = this.#camera
    const ray = this.#ray
    const column = x + 0.5 + tent(this.#sampler.next())
    const row = y + 0.5 + tent(this.#sampler.next())
    // The shorter side sees `tangent` to each side, so that tall and wide pictures both hold the scene.
    const shortSide = Math.min(this.#width, this.#height)
    const horizontal = ((2 * column - this.#width) / shortSide) * tangent * focusDistance
    const vertical = ((this.#height - 2 * row) / shortSide) * tangent * focusDistance
    this.#drawOnDisc()
    const lensX = this.#disc[0]! * aperture
    const lensY = this.#disc[1]! * aperture
    for (let axis = 0; axis < 3; axis++) {
      const lens = right[axis]! * lensX + up[axis]! * lensY
      ray[axis] = from[axis]! + lens
      ray[axis + 3] = forward[axis]! * focusDistance + right[axis]! * horizontal + up[axis]! * vertical - lens
    }
    normalize(ray, 3)
  }

  /** Follows the ray until it ends. The result is in `#radiance`. */
  #follow(): void {
    const ray = this.#ray
    const strength = this.#strength.fill(1)
    this.#radiance.fill(0)
    let matteBounces = 0

    for (let bounce = 0; bounce < MAX_BOUNCES; bounce++) {
      const hit = this.#nearest(ray)
      if (hit === NOTHING) {
        this.#lookAtSky(ray, matteBounces === 0)
        this.#gather(this.#sky[0]!, this.#sky[1]!, this.#sky[2]!)
        return
      }
      if (hit === GROUND) this.#fadeIntoHorizon()
      const kind = hit === GROUND ? GLAZED : this.#kinds[hit]!
      if (kind === LIGHT) {
        if (matteBounces === 0) this.#shine(hit)
        return
      }
      this.#arrive(hit)

      if (kind === GLASS) {
        this.#refract(hit)
      } else if (kind === METAL) {
        if (!this.#reflectRough(this.#parameters[hit]!)) return
        this.#tint()
      } else if (kind === GLAZED && this.#glazeReflects(hit)) {
        this.#reflect()
      } else {
        this.#tint()
        this.#askSun()
        if (this.#lamps.length > 0) this.#askLamp()
        if (++matteBounces >= MAX_MATTE_BOUNCES) return
        this.#scatter()
      }
      if (bounce > 3 && !this.#survives()) return
      if (strength[0]! + strength[1]! + strength[2]! < 0.003) return
    }
  }

  /** The first thing on the way; its distance is in `#distance`. */
  #nearest(ray: Float64Array): number {
    const spheres = this.#spheres
    const ox = ray[0]!, oy = ray[1]!, oz = ray[2]!
    const dx = ray[3]!, dy = ray[4]!, dz = ray[5]!
    let nearest = Infinity
    let hit = NOTHING
    if (dy < 0 && oy > NEAR) {
      nearest = -oy / dy
      hit = GROUND
    }
    for (let i = 0, at = 0; i < this.#count; i++, at += 4) {
      const x = spheres[at]! - ox
      const y = spheres[at + 1]! - oy
      const z = spheres[at + 2]! - oz
      const radius = spheres[at + 3]!
      if (dy >= 0 && y + radius < 0) break
      const along = x * dx + y * dy + z * dz
      const beyond = x * x + y * y + z * z - radius * radius
      if (along < 0 && beyond > 0) continue
      const discriminant = along * along - beyond
      if (discriminant <= 0) continue
      const half = Math.sqrt(discriminant)
      let distance = along - half
      if (distance < NEAR) distance = along + half
      if (distance < NEAR || distance >= nearest) continue
      nearest = distance
      hit = i
    }
    this.#distance[0] = nearest
    return hit
  }

  #lookAtSky(ray: Float64Array, withSunDisc: boolean): void {
    const { zenith, horizon } = this.#scene.sky
    const { color, glow } = this.#scene.sun
    const [sunX, sunY, sunZ] = this.#sun
    const height = Math.max(0, ray[4]!)
    const low = (1 - height) * (1 - height)
    const haze = low * low
    const toSun = Math.max(0, ray[3]! * sunX + ray[4]! * sunY + ray[5]! * sunZ)
    const toSun4 = toSun * toSun * toSun * toSun
    const toSun16 = toSun4 * toSun4 * toSun4 * toSun4
    const toSun64 = toSun16 * toSun16 * toSun16 * toSun16
    const toSun256 = toSun64 * toSun64 * toSun64 * toSun64
    let light = glow * (0.06 * toSun4 + 0.12 * toSun16 + 0.25 * toSun256)
    if (withSunDisc && glow > 0 && toSun > this.#sunCosine) light += SUN_DISC_RADIANCE
    for (let c = 0; c < 3; c++) this.#sky[c] = zenith[c]! + (horizon[c]! - zenith[c]!) * haze + color[c]! * light
  }

  #gather(red: number, green: number, blue: number): void {
    const radiance = this.#radiance
    const strength = this.#strength
    radiance[0] = radiance[0]! + strength[0]! * red
    radiance[1] = radiance[1]! + strength[1]! * green
    radiance[2] = radiance[2]! + strength[2]! * blue
  }

  /** The ground has no edge: far away it turns into the horizon. */
  #fadeIntoHorizon(): void {
    const ray = this.#ray
    const relative = this.#distance[0]! / this.#scene.sky.fadeDistance
    const clear = 1 / (1 + relative * relative * relative)
    const vertical = ray[4]!
    ray[4] = 0
    this.#lookAtSky(ray, false)
    ray[4] = vertical
    const faded = 1 - clear
    this.#gather(this.#sky[0]! * faded, this.#sky[1]! * faded, this.#sky[2]! * faded)
    for (let c = 0; c < 3; c++) this.#strength[c] = this.#strength[c]! * clear
  }

  /** A lamp is brightest where it faces the viewer, like a paper lantern with a bulb in it. */
  #shine(lamp: number): void {
    this.#arrive(lamp)
    const facing = -dot(this.#ray, 3, this.#normal, 0)
    const light = 0.35 + 0.65 * facing * facing
    const colors = this.#colors
    this.#gather(colors[3 * lamp]! * light, colors[3 * lamp + 1]! * light, colors[3 * lamp + 2]! * light)
  }

  /** Moves the ray's origin to the hit; leaves the outward normal and the colour there. */
  #arrive(hit: number): void {
    const ray = this.#ray
    const normal = this.#normal
    const albedo = this.#albedo
    const distance = this.#distance[0]!
    for (let axis = 0; axis < 3; axis++) ray[axis] = ray[axis]! + ray[axis + 3]! * distance
    if (hit === GROUND) {
      ray[1] = 0
      normal[0] = 0
      normal[1] = 1
      normal[2] = 0
      const { color, otherColor, tile } = this.#scene.ground
      const even = ((Math.floor(ray[0]! / tile) + Math.floor(ray[2]! / tile)) & 1) === 0
      for (let c = 0; c < 3; c++) albedo[c] = even ? color[c]! : otherColor[c]!
      return
    }
    const radius = this.#spheres[4 * hit + 3]!
    for (let axis = 0; axis < 3; axis++) {
      normal[axis] = (ray[axis]! - this.#spheres[4 * hit + axis]!) / radius
      albedo[axis] = this.#colors[3 * hit + axis]!
    }
  }

  /** Into the glass or out of it. On the way out only total reflection mirrors: the last 4 % would be noise. */
  #refract(hit: number): void {
    const ray = this.#ray
    const normal = this.#normal
    const facing = -dot(ray, 3, normal, 0)
    const entering = facing > 0
    if (entering && this.#mirrors(fresnel(facing, 0.04))) {
      this.#reflect()
      return
    }
    if (!entering) {
      this.#tint()
      for (let axis = 0; axis < 3; axis++) normal[axis] = -normal[axis]!
    }
    const cosine = Math.abs(facing)
    const ratio = entering ? 1 / this.#parameters[hit]! : this.#parameters[hit]!
    const cosine2 = 1 - ratio * ratio * (1 - cosine * cosine)
    if (cosine2 <= 0) {
      this.#reflect()
      return
    }
    const along = ratio * cosine - Math.sqrt(cosine2)
    for (let axis = 0; axis < 3; axis++) ray[axis + 3] = ratio * ray[axis + 3]! + along * normal[axis]!
    normalize(ray, 3)
  }

  #reflect(): void {
    const ray = this.#ray
    const normal = this.#normal
    const twice = 2 * dot(ray, 3, normal, 0)
    for (let axis = 0; axis < 3; axis++) ray[axis + 3] = ray[axis + 3]! - twice * normal[axis]!
    normalize(ray, 3)
  }

  /** False if the roughness sends the ray into the metal. */
  #reflectRough(roughness: number): boolean {
    const ray = this.#ray
    this.#reflect()
    this.#drawOnDisc()
    const a = this.#disc[0]! * roughness
    const b = this.#disc[1]! * roughness
    this.#bend(ray[3]!, ray[4]!, ray[5]!, a, b, 1)
    return dot(ray, 3, this.#normal, 0) > 0
  }

  #glazeReflects(hit: number): boolean {
    const cosine = Math.max(0, -dot(this.#ray, 3, this.#normal, 0))
    const glaze = hit === GROUND ? this.#scene.ground.glaze : 1
    return this.#mirrors(glaze * fresnel(cosine, 0.045))
  }

  /** Chooses between mirroring and the rest, and weighs the path so that the average is that of `share`. */
  #mirrors(share: number): boolean {
    const chance = Math.min(0.95, Math.max(MIN_MIRROR_SHARE, share))
    const mirrors = this.#sampler.next() < chance
    const weight = mirrors ? share / chance : (1 - share) / (1 - chance)
    for (let c = 0; c < 3; c++) this.#strength[c] = this.#strength[c]! * weight
    return mirrors
  }

  #tint(): void {
    for (let c = 0; c < 3; c++) this.#strength[c] = this.#strength[c]! * this.#albedo[c]!
  }

  #askSun(): void {
    const { color, radius } = this.#scene.sun
    this.#drawOnDisc()
    const towards = this.#shadowRay
    const [x, y, z] = this.#sun
    this.#bend(x, y, z, this.#disc[0]! * radius, this.#disc[1]! * radius, 1, towards)
    const cosine = dot(towards, 3, this.#normal, 0)
    if (cosine <= 0) return
    const light = cosine * this.#passing(Infinity, NOTHING)
    if (light > 0) this.#gather(color[0] * light, color[1] * light, color[2] * light)
  }

  /** One lamp, chosen by chance, stands for all of them; the cone in which it is seen is sampled evenly. */
  #askLamp(): void {
    const ray = this.#ray
    const lamps = this.#lamps
    const lamp = lamps[Math.floor(this.#sampler.next() * lamps.length)]!
    const at = 4 * lamp
    const x = this.#spheres[at]! - ray[0]!
    const y = this.#spheres[at + 1]! - ray[1]!
    const z = this.#spheres[at + 2]! - ray[2]!
    const radius = this.#spheres[at + 3]!
    const distance2 = x * x + y * y + z * z
    const distance = Math.sqrt(distance2)
    if (distance <= radius) return
    const farthest = Math.sqrt(1 - (radius * radius) / distance2)
    this.#drawOnDisc()
    const r2 = this.#disc[0]! * this.#disc[0]! + this.#disc[1]! * this.#disc[1]!
    const cosine = 1 - r2 * (1 - farthest)
    const stretch = r2 > 0 ? Math.sqrt((1 - cosine * cosine) / r2) : 0
    const towards = this.#shadowRay
    this.#bend(x / distance, y / distance, z / distance, this.#disc[0]! * stretch, this.#disc[1]! * stretch, cosine, towards)
    const facing = dot(towards, 3, this.#normal, 0)
    if (facing <= 0) return
    const solidAngleOverPi = 2 * (1 - farthest)
    const light = facing * solidAngleOverPi * lamps.length * this.#passing(distance, lamp)
    const colors = this.#colors
    if (light > 0) this.#gather(colors[3 * lamp]! * light, colors[3 * lamp + 1]! * light, colors[3 * lamp + 2]! * light)
  }

  /**
   * How much light comes along the shadow ray. Glass lets light pass and gathers it behind its middle: a caustic for
   * the price of a cosine. (A true one needs light followed from the lamp; this one only has to look right.)
   */
  #passing(limit: number, lamp: number): number {
    const ray = this.#shadowRay
    const spheres = this.#spheres
    const ox = this.#ray[0]!, oy = this.#ray[1]!, oz = this.#ray[2]!
    const dx = ray[3]!, dy = ray[4]!, dz = ray[5]!
    let passing = 1
    for (let i = 0, at = 0; i < this.#count; i++, at += 4) {
      if (i === lamp) continue
      const x = spheres[at]! - ox
      const y = spheres[at + 1]! - oy
      const z = spheres[at + 2]! - oz
      const radius = spheres[at + 3]!
      if (dy >= 0 && y + radius < 0) break
      const radius2 = radius * radius
      const along = x * dx + y * dy + z * dz
      if (along <= 0) continue
      const discriminant = along * along - (x * x + y * y + z * z - radius2)
      if (discriminant <= 0 || along - Math.sqrt(discriminant) >= limit || along + Math.sqrt(discriminant) < 1e-3) continue
      const kind = this.#kinds[i]!
      if (kind === LIGHT) continue // lamps do not shade each other: they add up
      if (kind !== GLASS) return 0
      const middle = discriminant / radius2
      passing *= 0.12 + 1.25 * middle * middle * middle
    }
    return passing
  }

  /** A new direction for light that has entered a matte surface: cosine-weighted around the normal. */
  #scatter(): void {
    const normal = this.#normal
    this.#drawOnDisc()
    const a = this.#disc[0]!
    const b = this.#disc[1]!
    const rest = Math.sqrt(Math.max(0, 1 - a * a - b * b))
    this.#bend(normal[0]!, normal[1]!, normal[2]!, a, b, rest)
  }

  /** Writes a*u + b*v + c*w into the ray's direction, where w is the given unit vector and u, v complete a basis. */
  #bend(x: number, y: number, z: number, a: number, b: number, c: number, into: Float64Array = this.#ray): void {
    const sign = z >= 0 ? 1 : -1
    const p = -1 / (sign + z)
    const q = x * y * p
    into[3] = a * (1 + sign * x * x * p) + b * q + c * x
    into[4] = a * sign * q + b * (sign + y * y * p) + c * y
    into[5] = -a * sign * x - b * y + c * z
    normalize(into, 3)
  }

  /** Russian roulette: weak paths end by chance, and those that survive carry the weight of those that did not. */
  #survives(): boolean {
    const strength = this.#strength
    const chance = 4 * Math.max(strength[0]!, strength[1]!, strength[2]!)
    if (chance >= 1) return true
    if (this.#sampler.next() >= chance) return false
    for (let c = 0; c < 3; c++) strength[c] = strength[c]! / chance
    return true
  }

  /** Shirley's concentric map from the square to the disc: it keeps even samples even, and needs only small angles. */
  #drawOnDisc(): void {
    const disc = this.#disc
    this.#sampler.startPair()
    const a = 2 * this.#sampler.next() - 1
    const b = 2 * this.#sampler.next() - 1
    const wide = a * a > b * b
    const radius = wide ? a : b
    if (radius === 0) {
      disc[0] = 0
      disc[1] = 0
      return
    }
    const angle = (Math.PI / 4) * (wide ? b / a : a / b)
    const s = angle * angle
    const sine = angle * (1 - (s / 6) * (1 - (s / 20) * (1 - s / 42)))
    const cosine = 1 - (s / 2) * (1 - (s / 12) * (1 - (s / 30) * (1 - s / 56)))
    disc[0] = radius * (wide ? cosine : sine)
    disc[1] = radius * (wide ? sine : cosine)
  }

  #vignette(x: number, y: number): number {
    const horizontal = (2 * x) / this.#width - 1
    const vertical = (2 * y) / this.#height - 1
    return 1 - 0.14 * (horizontal * horizontal + vertical * vertical)
  }
}

function topOf(sphere: Sphere): number {
  return sphere.center[1] + sphere.radius
}

function parameterOf(material: Material): number {
  if (material.kind === 'metal') return material.roughness
  return material.kind === 'glass' ? material.refraction : 0
}

function placeCamera({ camera }: Scene) {
  const forward = normalized(minus(camera.to, camera.from))
  const right = normalized(cross(forward, [0, 1, 0]))
  const toFocus = minus(camera.focus, camera.from)
  return {
    from: camera.from,
    forward,
    right,
    up: cross(right, forward),
    tangent: camera.tangent,
    aperture: camera.aperture,
    focusDistance: toFocus[0] * forward[0] + toFocus[1] * forward[1] + toFocus[2] * forward[2],
  }
}

/** Schlick's approximation: every smooth surface turns into a mirror at a grazing angle. */
function fresnel(cosine: number, facing: number): number {
  const rest = 1 - cosine
  const rest2 = rest * rest
  return facing + (1 - facing) * rest2 * rest2 * rest
}

/** Spreads the samples of a pixel as a tent over its neighbours, which softens edges better than a box does. */
function tent(u: number): number {
  return u < 0.5 ? Math.sqrt(2 * u) - 1 : 1 - Math.sqrt(2 - 2 * u)
}

/** Light to a byte: a film curve (Narkowicz's fit of ACES), then sRGB's gamma out of square roots. */
function developed(light: number): number {
  const film = Math.min(1, (light * (2.51 * light + 0.03)) / (light * (2.43 * light + 0.59) + 0.14))
  const root2 = Math.sqrt(film)
  const root4 = Math.sqrt(root2)
  const root8 = Math.sqrt(root4)
  const gamma = 0.585122381 * root2 + 0.783140355 * root4 - 0.368262736 * root8
  return Math.round(255 * Math.min(1, Math.max(0, gamma)))
}

function dot(a: Float64Array, atA: number, b: Float64Array, atB: number): number {
  return a[atA]! * b[atB]! + a[atA + 1]! * b[atB + 1]! + a[atA + 2]! * b[atB + 2]!
}

function normalize(vector: Float64Array, at: number): void {
  const scale = 1 / Math.sqrt(dot(vector, at, vector, at))
  vector[at] = vector[at]! * scale
  vector[at + 1] = vector[at + 1]! * scale
  vector[at + 2] = vector[at + 2]! * scale
}

function normalized([x, y, z]: Vector): Vector {
  const length = Math.sqrt(x * x + y * y + z * z)
  return [x / length, y / length, z / length]
}

function minus(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}
