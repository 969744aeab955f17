/**
 * What is drawn over the canvas: the pixel under the pointer, and own pixels on their way. Layers for `screen.js`.
 */

/** @typedef {import('./viewport.js').View} View */
/** @typedef {import('./viewport.js').Point} Point */

/** Below this scale an outline would hide its neighbours more than it shows. */
const MIN_HOVER_SCALE = 4

/**
 * Own pixels on their way: the new colour with a double outline, dashed while it is unknown whether it was placed.
 * Black and white together stand out from any colour.
 *
 * @param {import('./own_pixels.js').OwnPixels} ownPixels
 * @param {() => string[]} palette
 * @returns {import('./screen.js').Layer}
 */
export function ownPixelsLayer(ownPixels, palette) {
  return (context, view) => {
    for (const { x, y, color, state } of ownPixels.shown()) {
      const box = boxOf(view, { x, y })
      context.fillStyle = palette()[color]
      context.fillRect(box.x, box.y, box.size, box.size)
      outline(context, box, { dashed: state === 'unknown', faint: state === 'posted' })
    }
  }
}

/**
 * The pixel under the pointer, outlined.
 *
 * @param {() => Point | null} hovered
 * @returns {import('./screen.js').Layer}
 */
export function hoverLayer(hovered) {
  return (context, view) => {
    const pixel = hovered()
    if (pixel && view.scale >= MIN_HOVER_SCALE) outline(context, boxOf(view, pixel), { dashed: false, faint: true })
  }
}

/**
 * @param {View} view
 * @param {Point} pixel
 */
function boxOf(view, pixel) {
  return { x: (pixel.x - view.left) * view.scale, y: (pixel.y - view.top) * view.scale, size: view.scale }
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
