/**
 * Quantising: RGBA to palette indexes, by the nearest colour as the eye sees it; in OKLab as `placed/canvas/quantise.py`
 * does, without dithering. With equal distances the lowest index wins. Pure; imports nothing.
 *
 * Source: Björn Ottosson, "A perceptual color space for image processing", 2020,
 * https://bottosson.github.io/posts/oklab/.
 */

/** In place of an index: nothing is wanted here. */
export const TRANSPARENT = -1
const OPAQUE_FROM = 128 // alpha, of 255; a canvas has no half-transparent pixels, so half is the limit

/** The linear light of each sRGB level (IEC 61966-2-1). */
const LINEAR = Float64Array.from({ length: 256 }, (_, i) =>
  i / 255 <= 0.04045 ? i / 255 / 12.92 : ((i / 255 + 0.055) / 1.055) ** 2.4
)

/**
 * The palette index of every pixel.
 *
 * @param {Uint8ClampedArray} rgba  four bytes a pixel
 * @param {string[]} palette  '#rrggbb'
 * @returns {Int16Array} indexes, or TRANSPARENT
 */
export function quantise(rgba, palette) {
  const colors = Float64Array.from(palette.flatMap((color) => oklab(parseInt(color.slice(1), 16))))
  // Find each colour once. A table of all 2^24 is quicker than a Map, and its untouched parts cost nothing.
  const known = new Int16Array(1 << 24)
  const indexes = new Int16Array(rgba.length / 4).fill(TRANSPARENT)
  for (let i = 0, at = 0; at < rgba.length; i++, at += 4) {
    if (rgba[at + 3] < OPAQUE_FROM) continue
    const rgb = (rgba[at] << 16) | (rgba[at + 1] << 8) | rgba[at + 2]
    indexes[i] = (known[rgb] ||= nearest(oklab(rgb), colors) + 1) - 1
  }
  return indexes
}

/**
 * @param {number[]} lab
 * @param {Float64Array} colors  three numbers each
 */
function nearest(lab, colors) {
  let best = 0
  let least = Infinity
  for (let i = 0; i < colors.length; i += 3) {
    const distance = (lab[0] - colors[i]) ** 2 + (lab[1] - colors[i + 1]) ** 2 + (lab[2] - colors[i + 2]) ** 2
    if (distance >= least) continue
    best = i / 3
    least = distance
  }
  return best
}

/** @param {number} rgb  0xrrggbb */
function oklab(rgb) {
  const r = LINEAR[rgb >> 16]
  const g = LINEAR[(rgb >> 8) & 255]
  const b = LINEAR[rgb & 255]
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s
  ]
}
