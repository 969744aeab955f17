/**
 * Draws templates over the canvas: the visible part of each one's picture, and outlines of the places to point out.
 *
 * A picture is a template drawn once, at one pixel per pixel and in the palette's colours. Dots are that picture cut out by
 * a pattern with a hole for each pixel, so that their cost doesn't grow with what is visible. Where the canvas is right, a
 * template's colours change nothing: with the style *only what differs* these pixels get a veil.
 */

import { visiblePart } from '../view/viewport.js'

/** @typedef {import('../view/viewport.js').View} View */
/** @typedef {import('./progress.js').Box} Box */
/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */
/** @typedef {{ template: import('./template.js').Template, picture: OffscreenCanvas }} Drawn */

const VEIL = '#808080'
const DOT_PART = 0.4 // of a pixel's side
const MIN_DOT_PX = 4 // device pixels that a pixel has, at least, to have a dot in its middle
const dots = new OffscreenCanvas(1, 1)

/**
 * @param {{ width: number, height: number }} size
 * @param {Int16Array} pixels  palette indexes, or negative where it is transparent
 * @param {Uint8Array | null} only  0 for right pixels, which get a veil
 * @param {string[]} palette
 */
export function pictureOf({ width, height }, pixels, only, palette) {
  const image = new ImageData(width, height)
  const bytes = new DataView(image.data.buffer)
  const [veil, ...colors] = [VEIL, ...palette].map((color) => parseInt(color.slice(1) + 'ff', 16))
  pixels.forEach((color, i) => {
    if (color >= 0) bytes.setUint32(4 * i, only?.[i] === 0 ? veil : colors[color])
  })
  const picture = new OffscreenCanvas(width, height)
  picture.getContext('2d')?.putImageData(image, 0, 0)
  return picture
}

/**
 * @param {OffscreenCanvas} picture
 * @param {number} at  row by row
 * @param {string | null} color  null for the veil
 */
export function setPixel(picture, at, color) {
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (picture.getContext('2d'))
  context.fillStyle = color ?? VEIL
  context.fillRect(at % picture.width, Math.floor(at / picture.width), 1, 1)
}

/**
 * @param {() => Drawn[]} drawn  the lowest first
 * @param {() => Box[]} outlined
 * @returns {import('../view/screen.js').Layer}
 */
export function templatesLayer(drawn, outlined) {
  return (context, { scale, left, top }) => {
    context.save()
    const dpr = context.getTransform().a
    context.resetTransform()
    const view = { scale: scale * dpr, left, top } // in device pixels from here on
    for (const { template, picture } of drawn()) {
      context.globalAlpha = template.opacity / 100
      if (template.style === 'dots' && view.scale >= MIN_DOT_PX) {
        context.drawImage(dotsOf(context.canvas, picture, view, template), 0, 0)
      } else copy(context, picture, view, template)
    }
    context.globalAlpha = 1
    for (const box of outlined()) outline(context, box, view, dpr)
    context.restore()
  }
}

/**
 * @param {Context} context
 * @param {OffscreenCanvas} picture
 * @param {View} view
 * @param {Box} box
 */
function copy(context, picture, { scale, left, top }, box) {
  const part = visiblePart({ scale, left: left - box.x, top: top - box.y }, context.canvas, box)
  const { x, y, width, height } = part
  if (!width || !height) return
  const [x0, x1] = [x, x + width].map((edge) => Math.round((box.x + edge - left) * scale))
  const [y0, y1] = [y, y + height].map((edge) => Math.round((box.y + edge - top) * scale))
  context.imageSmoothingEnabled = scale < 1
  context.drawImage(picture, x, y, width, height, x0, y0, x1 - x0, y1 - y0)
}

/**
 * @param {{ width: number, height: number }} size
 * @param {OffscreenCanvas} picture
 * @param {View} view
 * @param {Box} box
 */
function dotsOf({ width, height }, picture, view, box) {
  Object.assign(dots, { width, height }) // empties it too
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (dots.getContext('2d'))
  copy(context, picture, view, box)
  const side = Math.round(view.scale)
  const dot = Math.round(side * DOT_PART)
  const margin = Math.round((side - dot) / 2)
  const tile = new OffscreenCanvas(side, side)
  tile.getContext('2d')?.fillRect(margin, margin, dot, dot)
  const pattern = /** @type {CanvasPattern} */ (context.createPattern(tile, 'repeat'))
  const [e, f] = [view.left, view.top].map((start) => -(start % 1) * view.scale)
  pattern.setTransform({ a: view.scale / side, d: view.scale / side, e, f })
  context.globalCompositeOperation = 'destination-in'
  context.fillStyle = pattern
  context.fillRect(0, 0, width, height)
  return dots
}

/**
 * White in black, which stands out from any colour.
 *
 * @param {Context} context
 * @param {Box} box
 * @param {View} view
 * @param {number} dpr
 */
function outline(context, { x, y, width, height }, { scale, left, top }, dpr) {
  for (const [color, gap] of /** @type {const} */ ([['#fff', 1], ['#000', 3]])) {
    const grown = gap * dpr
    context.strokeStyle = color
    context.lineWidth = 2 * dpr
    context.strokeRect(
      (x - left) * scale - grown, (y - top) * scale - grown, width * scale + 2 * grown, height * scale + 2 * grown
    )
  }
}
