/**
 * Drawings over the canvas: own pixels on their way, the pixel that a click would paint, and the keyboard's cursor. Layers
 * for `screen.js`.
 */

/** @typedef {import('./viewport.js').View} View */
/** @typedef {import('./viewport.js').Point} Point */

/** Below this scale an outline would hide its neighbours more than it shows. */
const MIN_HOVER_SCALE = 4
/** The part of a pixel's side that a preview takes: the present colour, and its changes, stay visible around it. */
const PREVIEW = 0.7

/**
 * Own pixels on their way: the new colour with a double outline, dashed while it is unknown whether it was placed.
 * Black and white together stand out from any colour.
 *
 * @param {import('../painting/own_pixels.js').OwnPixels} ownPixels
 * @param {() => string[]} palette
 * @returns {import('./screen.js').Layer}
 */
export function ownPixelsLayer(ownPixels, palette) {
  return (context, view) => {
    for (const { x, y, color, state } of ownPixels.shown()) {
      const box = fill(context, view, { x, y }, palette()[color])
      outline(context, box, { dashed: state === 'unknown', faint: state === 'posted' })
    }
  }
}

/**
 * The pixel under the pointer, in the colour that a click would give it.
 *
 * @param {() => Point | null} hovered
 * @param {() => string} color  '#rrggbb'
 * @returns {import('./screen.js').Layer}
 */
export function hoverLayer(hovered, color) {
  return (context, view) => {
    const pixel = hovered()
    if (!pixel || view.scale < MIN_HOVER_SCALE) return
    outline(context, fill(context, view, pixel, color(), PREVIEW), { dashed: false, faint: true })
  }
}

/**
 * The keyboard's cursor, or a pixel that waits to be confirmed: seen at any scale, by its arms.
 *
 * @param {() => Point | null} cursor
 * @param {() => string} color  '#rrggbb'
 * @returns {import('./screen.js').Layer}
 */
export function cursorLayer(cursor, color) {
  return (context, view) => {
    const pixel = cursor()
    if (!pixel) return
    const box = fill(context, view, pixel, color(), PREVIEW)
    outline(context, box, { dashed: false, faint: false })
    const [x, y, near] = [box.x + box.size / 2, box.y + box.size / 2, box.size / 2 + 4]
    context.beginPath()
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * near, y + dy * near)
      context.lineTo(x + dx * (near + 9), y + dy * (near + 9))
    }
    for (const [width, ink] of /** @type {const} */ ([[4, '#fff'], [2, '#000']])) {
      context.lineWidth = width
      context.strokeStyle = ink
      context.stroke()
    }
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Point} pixel
 * @param {string} color
 * @param {number} [part]  of its side
 * @returns the whole pixel's box
 */
function fill(context, view, { x, y }, color, part = 1) {
  const box = { x: (x - view.left) * view.scale, y: (y - view.top) * view.scale, size: view.scale }
  const edge = (box.size * (1 - part)) / 2
  context.fillStyle = color
  context.fillRect(box.x + edge, box.y + edge, box.size * part, box.size * part)
  return box
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {{ x: number, y: number, size: number }} box
 * @param {{ dashed: boolean, faint: boolean }} style
 */
function outline(context, { x, y, size }, { dashed, faint }) {
  const dash = Math.max(2, size / 5)
  context.lineWidth = faint ? 1 : 2
  context.strokeStyle = '#fff'
  context.setLineDash([])
  context.strokeRect(x - 1, y - 1, size + 2, size + 2)
  context.strokeStyle = '#000'
  context.setLineDash(dashed ? [dash, dash] : [])
  context.strokeRect(x - 2.5, y - 2.5, size + 5, size + 5)
  context.setLineDash([])
}
