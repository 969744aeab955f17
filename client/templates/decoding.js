/**
 * Turns an image file into RGBA pixels, upright, in the worker.
 *
 * It decodes PNG itself, the same in every browser. The other formats need the browser's decoder and reading back a canvas.
 * Browsers that resist fingerprinting give noise there, which people would paint: so it first reads back known pixels.
 */

import { parsePng } from '../canvas/png.js'
import { rgbaOf } from '../canvas/png_pixels.js'
import { headerOf } from './image_header.js'
import { upright } from './upright.js'

const PROBE_SIDE = 64
const MOST_OFF = 2 // some browsers change a level by one in a few pixels, which changes no nearest colour

/** The browser doesn't let its canvases be read. */
export class Poisoned extends Error {}

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @returns {Promise<{ data: Uint8ClampedArray, width: number, height: number }>} RGBA
 * @throws {Poisoned}
 * @throws {Error} it is none of the formats, or damaged
 */
export async function decode(file) {
  const header = headerOf(file)
  if (!header) throw new Error('no image')
  const byBrowser = () => decodeByBrowser(file, header.turnAt)
  // Browsers are more forgiving of a damaged PNG.
  const stored = header.format === 'png' ? await decodePng(file).catch(byBrowser) : await byBrowser()
  return upright(stored, header.turn)
}

/** @param {Uint8Array<ArrayBuffer>} file */
async function decodePng(file) {
  const png = parsePng(file)
  return { data: await rgbaOf(png), width: png.width, height: png.height }
}

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {number} turnAt  see image_header.js
 */
async function decodeByBrowser(file, turnAt) {
  if (!canReadBack()) throw new Poisoned()
  const straight = file.slice()
  if (turnAt >= 0) straight[turnAt] = 1 // said to be upright: some browsers would turn it, and `decode` does so for all
  // The colours as they are in the file: a profile that shifts them would miss the palette's.
  const bitmap = await createImageBitmap(new Blob([straight]), { colorSpaceConversion: 'none' })
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d'))
  context.drawImage(bitmap, 0, 0)
  return context.getImageData(0, 0, bitmap.width, bitmap.height)
}

/** Whether a canvas gives back the drawn pixels. The test draws noise, since browsers might leave smooth pixels unchanged. */
function canReadBack() {
  const drawn = new ImageData(PROBE_SIDE, PROBE_SIDE)
  drawn.data.forEach((_, i, levels) => (levels[i] = i % 4 === 3 ? 255 : ((i * 7919) >> 3) & 255))
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(PROBE_SIDE, PROBE_SIDE).getContext('2d'))
  context.putImageData(drawn, 0, 0)
  const { data } = context.getImageData(0, 0, PROBE_SIDE, PROBE_SIDE)
  return data.every((level, i) => Math.abs(level - drawn.data[i]) <= MOST_OFF)
}
