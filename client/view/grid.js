/**
 * Lines between the canvas's pixels, if these are large. A layer for `screen.js`.
 *
 * The lines are one device pixel wide, with dark and light dashes in turn: a line of one colour would be invisible on some
 * pixels, whatever its effect on the colours below.
 */

import { frameOf } from './viewport.js'

const FROM_SCALE = 8 // CSS pixels: between smaller ones lines would cover most of the canvas
const FULL_SCALE = 16
const OPACITY = 0.35
const DASH_PX = 3 // device pixels

export class Grid {
  enabled = true

  #pattern = /** @type {CanvasPattern | null} */ (null)

  /** @type {import('./screen.js').Layer} */
  draw = (context, view, canvas) => {
    if (!this.enabled || view.scale < FROM_SCALE) return
    const { zoom, left, top } = frameOf(view, context.getTransform().a)
    const [right, bottom] = [Math.round(canvas.width * zoom) - left, Math.round(canvas.height * zoom) - top]
    const { width, height } = context.canvas
    const [x, y] = [Math.max(0, -left), Math.max(0, -top)]
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.globalAlpha = OPACITY * Math.min(1, (view.scale - FROM_SCALE + 1) / (FULL_SCALE - FROM_SCALE))
    context.fillStyle = this.#pattern ??= dashes(context)
    for (let i = Math.ceil((x + left) / zoom), at; (at = Math.round(i * zoom) - left) <= Math.min(right, width); i++) {
      context.fillRect(at, y, 1, Math.min(bottom, height) - y)
    }
    for (let i = Math.ceil((y + top) / zoom), at; (at = Math.round(i * zoom) - top) <= Math.min(bottom, height); i++) {
      context.fillRect(x, at, Math.min(right, width) - x, 1)
    }
  }
}

/** @param {CanvasRenderingContext2D} context */
function dashes(context) {
  const tile = document.createElement('canvas')
  tile.width = tile.height = 2 * DASH_PX
  const pen = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d'))
  pen.fillStyle = '#fff'
  pen.fillRect(0, 0, 2 * DASH_PX, 2 * DASH_PX)
  pen.fillStyle = '#000'
  pen.fillRect(0, 0, DASH_PX, DASH_PX)
  pen.fillRect(DASH_PX, DASH_PX, DASH_PX, DASH_PX)
  return /** @type {CanvasPattern} */ (context.createPattern(tile, 'repeat'))
}
