/**
 * The keyboard's cursor on the canvas. It appears where the pointer is or the middle of the screen, and the view follows it.
 */

import { pixelAt, screenOf } from './viewport.js'

/** @typedef {import('./viewport.js').Point} Point */

/** The cursor is kept this far from the screen's edges and bars, in CSS pixels. */
const MARGIN_PX = 24
const STEPS = /** @type {Record<string, [number, number]>} */ ({
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1]
})

export class Cursor {
  /** Where it is; null while it isn't used. */
  pixel = /** @type {Point | null} */ (null)
  #screen

  /** @param {import('./screen.js').Screen} screen */
  constructor(screen) {
    this.#screen = screen
  }

  /** Where it is on the screen, in CSS pixels; undefined while it isn't used. */
  get place() {
    return this.pixel ? screenOf(this.#screen.view, this.pixel) : undefined
  }

  /** Put it away. */
  clear() {
    this.pixel = null
  }

  /**
   * Move it by an arrow key; the first one only shows it.
   *
   * @param {string} key  as KeyboardEvent.key
   * @param {number} pixels
   * @param {Point | null} pointer  the canvas pixel under the pointer
   * @returns {Point} where it is
   */
  move(key, pixels, pointer) {
    const { width, height } = /** @type {import('../canvas/canvas.js').Canvas} */ (this.#screen.canvas)
    const [dx, dy] = this.pixel ? STEPS[key] : [0, 0]
    const { x, y } = this.pixel ?? pointer ?? this.#middle(width, height)
    const clamp = (/** @type {number} */ value, /** @type {number} */ end) => Math.min(Math.max(value, 0), end - 1)
    this.pixel = { x: clamp(x + dx * pixels, width), y: clamp(y + dy * pixels, height) }
    this.#follow()
    return this.pixel
  }

  /**
   * @param {number} width
   * @param {number} height
   */
  #middle(width, height) {
    const { view, size, canvas } = this.#screen
    const middle = { x: size.width / 2, y: size.height / 2 }
    return (canvas && pixelAt(view, middle, canvas)) ?? { x: width >> 1, y: height >> 1 }
  }

  #follow() {
    const { size, insets } = this.#screen
    const { x, y } = /** @type {Point} */ (this.place)
    const over = (/** @type {number} */ at, /** @type {number} */ low, /** @type {number} */ high) =>
      Math.max(low + MARGIN_PX - at, 0) || Math.min(high - MARGIN_PX - at, 0)
    const dx = over(x, insets.left, size.width - insets.right)
    const dy = over(y, insets.top, size.height - insets.bottom)
    if (dx || dy) this.#screen.pan(dx, dy)
  }
}
