/**
 * The canvas, or a part of it, as a PNG to keep. The page loads it at its first use.
 */

import { writePng } from '../canvas/png_writing.js'

const MAX_SIDE_PX = 8192 // twice the largest canvas; many programs do not open much larger ones

/** @typedef {import('../view/area.js').Rectangle} Rectangle */

/**
 * How many times each pixel can be repeated, at most.
 * @param {Rectangle} area
 */
export function maxFactor({ width, height }) {
  return Math.max(1, Math.floor(MAX_SIDE_PX / Math.max(width, height)))
}

/**
 * @param {import('../canvas/canvas.js').Canvas} canvas
 * @param {string[]} palette  '#rrggbb'
 * @param {Rectangle} area  inside the canvas
 * @param {number} factor  1 to maxFactor(area): each pixel becomes factor x factor
 * @returns {Promise<Blob>}
 */
export function pngOf(canvas, palette, { x, y, width, height }, factor) {
  const indexes = new Uint8Array(width * height) // a copy: edits come while it is written
  for (let row = 0; row < height; row++) {
    const from = (y + row) * canvas.width + x
    indexes.set(canvas.indexes.subarray(from, from + width), row * width)
  }
  return writePng({ width, height, indexes }, palette, factor)
}
