// Something slow: a Julia set, painted with sixteen looks at each pixel. It lets the page breathe between rows.

export interface Picture {
  width: number
  height: number
  /** Red, green, blue and opacity of each pixel. */
  pixels: Uint8ClampedArray<ArrayBuffer>
}

/** The set of z² + c, for c = re + im·i. */
export async function paint({ re, im }: { re: number, im: number }): Promise<Picture> {
  console.log(`painting ${re}, ${im}`)
  const [width, height] = [640, 400]
  const pixels = new Uint8ClampedArray(width * height * 4)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) pixels.set(colour((x - width / 2) * step, (y - height / 2) * step, re, im), (y * width + x) * 4)
    if (y % 8 === 0) await new Promise(resolve => setTimeout(resolve))
  }
  return { width, height, pixels }
}

/** From pixel to pixel. */
const step = 1 / 165
const looks = 4

function colour(x: number, y: number, re: number, im: number): number[] {
  let light = 0
  for (let i = 0; i < looks * looks; i++) {
    const across = ((i % looks) / looks) * step
    const down = (Math.floor(i / looks) / looks) * step
    light += escape(x + across, y + down, re, im) / (looks * looks)
  }
  return [...[0.0, 0.12, 0.28].map(shift => 255 * (0.5 - 0.5 * Math.cos(2 * Math.PI * (0.92 * light ** 0.55 + shift * light ** 0.25)))), 255]
}

/** How soon z leaves: near 0 at once, 1 never. */
function escape(x: number, y: number, re: number, im: number): number {
  const most = 220
  for (let n = 0; n < most; n++) {
    const [xx, yy] = [x * x, y * y]
    if (xx + yy > 256) return Math.max(0, n + 1 - Math.log2(Math.log2(xx + yy) / 2)) / most
    y = 2 * x * y + im
    x = xx - yy + re
  }
  return 1
}
