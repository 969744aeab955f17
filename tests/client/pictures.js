/**
 * Just enough of a browser's canvases for tests: pixels that can be filled, put, and drawn, smoothly or not. And numbers
 * that look random.
 */

/** @param {string} css  '#rrggbb' */
const colorOf = (css) => {
  const rgb = parseInt(css.slice(1), 16)
  return new Uint32Array(Uint8Array.from([rgb >> 16, rgb >> 8, rgb, 255]).buffer)[0]
}

/**
 * The colour at a place: the nearest pixel's, or the mean of the four nearest, weighted by nearness.
 *
 * @param {(x: number, y: number) => number} at
 * @param {number} u
 * @param {number} v
 * @param {boolean} smooth
 */
export function sample(at, u, v, smooth) {
  if (!smooth) return at(Math.floor(u), Math.floor(v))
  const [x, y] = [Math.floor(u - 0.5), Math.floor(v - 0.5)]
  const [right, bottom] = [u - 0.5 - x, v - 0.5 - y]
  const bytes = [0, 0, 0, 0]
  for (const [dx, dy, part] of [[0, 0, (1 - right) * (1 - bottom)], [1, 0, right * (1 - bottom)], [0, 1, (1 - right) * bottom], [1, 1, right * bottom]]) {
    if (!part) continue
    const color = at(x + dx, y + dy)
    for (let i = 0; i < 4; i++) bytes[i] += ((color >>> (8 * i)) & 255) * part
  }
  return new Uint32Array(Uint8Array.from(bytes, Math.round).buffer)[0]
}

export class Picture {
  width = 0
  height = 0
  pixels = new Uint32Array()
  filled = 0
  fillStyle = '#000000'
  imageSmoothingEnabled = true
  canvas = this

  /** @param {number} x @param {number} y */
  at = (x, y) => {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) throw new Error(`nothing at ${x}, ${y}`)
    return this.pixels[y * this.width + x]
  }

  getContext() {
    this.pixels = new Uint32Array(this.width * this.height)
    return this
  }

  /** @param {number} left @param {number} top @param {number} width @param {number} height */
  fillRect(left, top, width, height) {
    this.filled++
    for (let y = Math.max(0, top); y < Math.min(this.height, top + height); y++) {
      for (let x = Math.max(0, left); x < Math.min(this.width, left + width); x++) {
        this.pixels[y * this.width + x] = colorOf(this.fillStyle)
      }
    }
  }

  /** @param {{ data: Uint8ClampedArray }} image */
  putImageData(image) {
    this.pixels.set(new Uint32Array(image.data.buffer))
  }

  /**
   * @param {Picture} from
   * @param {[number, number, number, number, number, number, number, number]} boxes
   */
  drawImage(from, ...[sx, sy, sw, sh, dx, dy, dw, dh]) {
    for (let y = 0; y < dh; y++) {
      for (let x = 0; x < dw; x++) {
        const [u, v] = [sx + ((x + 0.5) * sw) / dw, sy + ((y + 0.5) * sh) / dh]
        this.pixels[(dy + y) * this.width + dx + x] = sample(from.at, u, v, this.imageSmoothingEnabled)
      }
    }
  }
}

/** Make `document.createElement('canvas')` and ImageData work in here. */
export function provideCanvases() {
  const ImageData = class {
    /** @param {number} width @param {number} height */
    constructor(width, height) {
      this.data = new Uint8ClampedArray(4 * width * height)
    }
  }
  Object.assign(globalThis, { ImageData, document: { createElement: () => new Picture() } })
}

/**
 * Whole numbers below a limit that look random and are the same each time (mulberry32).
 * @param {number} seed
 */
export function numbers(seed) {
  return (/** @type {number} */ limit) => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit)
  }
}
