/**
 * Any PNG to RGBA pixels: all colour types and bit depths, interlaced too (W3C PNG, third edition). Colours are as in the
 * file, without colour management; of 16 bits the upper 8 count, as in `placed paint`. The page loads it for an image that
 * `png.js` doesn't read by itself.
 */

import { inflate, unfilter } from './png.js'

/** @typedef {import('./png.js').Png} Png */
/** @typedef {{ x: number, y: number, dx: number, dy: number }} Pass  where a pass's pixels begin, and how far apart they are */

const CHANNELS = /** @type {Record<number, number>} */ ({ 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 })
const PASSES = /** @type {Pass[]} */ ([
  { x: 0, y: 0, dx: 8, dy: 8 },
  { x: 4, y: 0, dx: 8, dy: 8 },
  { x: 0, y: 4, dx: 4, dy: 8 },
  { x: 2, y: 0, dx: 4, dy: 4 },
  { x: 0, y: 2, dx: 2, dy: 4 },
  { x: 1, y: 0, dx: 2, dy: 2 },
  { x: 0, y: 1, dx: 1, dy: 2 }
]) // Adam7, section 8.1
const WHOLE = { x: 0, y: 0, dx: 1, dy: 1 }

/**
 * @param {Png} png
 * @returns {Promise<Uint8ClampedArray<ArrayBuffer>>} RGBA, row by row
 * @throws {Error} it is damaged
 */
export async function rgbaOf(png) {
  const bits = CHANNELS[png.colors] * png.depth
  const passes = (png.interlaced ? PASSES : [WHOLE]).map((pass) => {
    const width = Math.ceil((png.width - pass.x) / pass.dx)
    const height = width > 0 ? Math.max(0, Math.ceil((png.height - pass.y) / pass.dy)) : 0
    return { ...pass, width, height, rowBytes: Math.ceil((width * bits) / 8) }
  })
  const bytes = await inflate(png.packed, passes.reduce((sum, { rowBytes, height }) => sum + (rowBytes + 1) * height, 0))
  const rgba = new Uint8ClampedArray(png.width * png.height * 4)
  const colorOf = painter(png, new DataView(rgba.buffer))
  let from = 0
  for (const { x, y, dx, dy, width, height, rowBytes } of passes) {
    const rows = bytes.subarray(from, (from += (rowBytes + 1) * height))
    unfilter(rows, { rowBytes, height, step: Math.max(1, bits >> 3) })
    for (let row = 0; row < height; row++) {
      const samples = samplesOf(rows.subarray(row * (rowBytes + 1) + 1, (row + 1) * (rowBytes + 1)), png.depth)
      for (let column = 0; column < width; column++) colorOf(samples, column, (y + row * dy) * png.width + x + column * dx)
    }
  }
  return rgba
}

/**
 * The samples of a row, as they are in the file; behind the last pixel there may be unused ones.
 *
 * @param {Uint8Array} row
 * @param {number} depth
 * @returns {Uint8Array | Uint16Array}
 */
function samplesOf(row, depth) {
  if (depth === 8) return row
  if (depth === 16) return Uint16Array.from({ length: row.length / 2 }, (_, i) => (row[2 * i] << 8) | row[2 * i + 1])
  const perByte = 8 / depth
  const samples = new Uint8Array(row.length * perByte)
  for (let i = 0; i < samples.length; i++) {
    samples[i] = (row[Math.floor(i / perByte)] >> (8 - depth - (i % perByte) * depth)) & (2 ** depth - 1)
  }
  return samples
}

/**
 * @param {Png} png
 * @param {DataView} to  RGBA
 * @returns {(samples: Uint8Array | Uint16Array, column: number, pixel: number) => void} writes the pixel of a row's column
 */
function painter({ depth, colors, palette, transparency }, to) {
  if (colors === 3) {
    return (samples, column, pixel) => {
      const index = samples[column]
      if (3 * index + 2 >= palette.length) throw new Error(`the image's palette has no colour ${index}`)
      const [red, green, blue] = [palette[3 * index], palette[3 * index + 1], palette[3 * index + 2]]
      write(to, pixel, red, green, blue, transparency?.[index] ?? 255)
    }
  }
  const eight = (/** @type {number} */ sample) => (depth === 16 ? sample >> 8 : (sample * 255) / (2 ** depth - 1))
  const key = keyOf(colors, transparency, 2 ** depth - 1)
  const channels = CHANNELS[colors]
  const isGrey = channels < 3
  const hasAlpha = channels % 2 === 0
  return (samples, column, pixel) => {
    const at = column * channels
    const red = samples[at]
    const green = isGrey ? red : samples[at + 1]
    const blue = isGrey ? red : samples[at + 2]
    const isKey = key !== null && red === key[0] && green === key[1] && blue === key[2]
    const alpha = hasAlpha ? eight(samples[at + channels - 1]) : isKey ? 0 : 255
    write(to, pixel, eight(red), eight(green), eight(blue), alpha)
  }
}

/**
 * @param {DataView} to
 * @param {number} pixel
 * @param {number} red
 * @param {number} green
 * @param {number} blue
 * @param {number} alpha
 */
function write(to, pixel, red, green, blue, alpha) {
  to.setUint32(4 * pixel, ((red << 24) | (green << 16) | (blue << 8) | alpha) >>> 0)
}

/**
 * The samples of the one transparent colour that a file without an alpha channel may have; null without one.
 *
 * @param {number} colors
 * @param {Uint8Array | null} transparency
 * @param {number} mask  bits above the depth mean nothing
 */
function keyOf(colors, transparency, mask) {
  const length = colors === 0 ? 2 : 6
  if ((colors !== 0 && colors !== 2) || !transparency || transparency.length < length) return null
  return [0, 2, 4].map((at) => ((transparency[at % length] << 8) | transparency[(at % length) + 1]) & mask)
}
