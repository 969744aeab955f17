/**
 * An area of the canvas, chosen by dragging over it. A layer for `screen.js`.
 */

/** @typedef {{ x: number, y: number }} Pixel */
/** @typedef {{ x: number, y: number, width: number, height: number }} Rectangle  canvas pixels */

/**
 * The rectangle that has both pixels in its corners.
 *
 * @param {Pixel} a
 * @param {Pixel} b
 * @returns {Rectangle}
 */
export function around(a, b) {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)]
  return { x, y, width: Math.max(a.x, b.x) - x + 1, height: Math.max(a.y, b.y) - y + 1 }
}

export class AreaChoice {
  /** The chosen rectangle; shown while it isn't null. */
  area = /** @type {Rectangle | null} */ (null)
  #from = /** @type {Pixel | null} */ (null)
  #done = /** @type {((area: Rectangle | null) => void) | null} */ (null)

  /** Whether the next drag on the canvas chooses an area. */
  get waiting() {
    return this.#done !== null
  }

  /**
   * Let the next drag choose an area.
   * @returns {Promise<Rectangle | null>} null: given up
   */
  choose() {
    this.cancel()
    return new Promise((resolve) => (this.#done = resolve))
  }

  /** Give up, and show nothing. */
  cancel() {
    this.area = null
    this.#end(null)
  }

  /**
   * The pointer is down here; null: beside the canvas.
   * @param {Pixel | null} pixel
   */
  grab(pixel) {
    this.#from = pixel
  }

  /**
   * The pointer is over this pixel while it is down.
   * @param {Pixel} pixel
   */
  drag(pixel) {
    this.#from ??= pixel
    this.area = around(this.#from, pixel)
  }

  /** The pointer is up after a drag. */
  drop() {
    if (this.area) this.#end(this.area)
  }

  /** @param {Rectangle | null} area */
  #end(area) {
    this.#done?.(area)
    this.#done = this.#from = null
  }

  /** @type {import('./screen.js').Layer} */
  layer = (context, view) => {
    if (!this.area) return
    const { x, y, width, height } = this.area
    context.setLineDash([6, 4])
    context.lineWidth = 2
    for (const [color, offset] of /** @type {const} */ ([['#fff', 0], ['#000', 5]])) {
      context.strokeStyle = color
      context.lineDashOffset = offset
      const [left, top] = [(x - view.left) * view.scale, (y - view.top) * view.scale]
      context.strokeRect(left, top, width * view.scale, height * view.scale)
    }
    context.setLineDash([])
  }
}
