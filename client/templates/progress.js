/**
 * How far a template is painted: the right pixels and those left to do, updated as edits arrive. Pure.
 *
 * Only opaque pixels on the canvas count. It remembers which pixels are wrong rather than asking the canvas, so the caller
 * may pass an edit before or after the canvas has it, and twice.
 */

import { TRANSPARENT } from './quantise.js'

/** @typedef {import('../view/viewport.js').Point} Point */
/** @typedef {{ x: number, y: number, width: number, height: number }} Box  canvas pixels */

export class Progress {
  /** Pixels that count. */
  total = 0
  /** The wrong ones among them. */
  left = 0

  #box
  #visited = /** @type {Set<number>} */ (new Set()) // by `next`, and still wrong

  /**
   * @param {Box} box  where the template is
   * @param {Int16Array} pixels  its palette indexes, or TRANSPARENT
   * @param {{ width: number, height: number, indexes: Uint8Array }} canvas
   */
  constructor({ x, y, width, height }, pixels, canvas) {
    this.#box = { x, y, width, height }
    this.pixels = pixels
    /** For each of the template's pixels, 1 if the canvas has another colour there. */
    this.wrong = new Uint8Array(pixels.length)
    const [left, right] = [Math.max(0, x), Math.min(x + width, canvas.width)]
    for (let row = Math.max(0, y); row < Math.min(y + height, canvas.height); row++) {
      for (let column = left; column < right; column++) {
        const at = this.#at(column, row)
        if (pixels[at] === TRANSPARENT) continue
        this.total++
        this.left += this.wrong[at] = +(pixels[at] !== canvas.indexes[row * canvas.width + column])
      }
    }
  }

  /**
   * An edit of the canvas.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} color  palette index
   * @returns {number}  which of the template's pixels the edit made right or wrong, -1 if none
   */
  edited(x, y, color) {
    const wanted = this.wanted(x, y)
    const at = this.#at(x, y)
    if (wanted === null || this.wrong[at] === +(wanted !== color)) return -1
    this.wrong[at] ^= 1
    this.left += this.wrong[at] ? 1 : -1
    this.#visited.delete(at)
    return at
  }

  /**
   * The colour that the template wants there.
   *
   * @param {number} x
   * @param {number} y
   * @returns {number | null} a palette index; null beside it and where it is transparent
   */
  wanted(x, y) {
    const color = this.pixels[this.#at(x, y)] ?? TRANSPARENT
    return color === TRANSPARENT ? null : color
  }

  /**
   * The wrong pixel nearest to a place. Each call gives another one, until all had their turn.
   *
   * @param {Point} from  canvas pixels
   * @returns {Point | null} null if nothing is wrong
   */
  next(from) {
    if (this.#visited.size === this.left) this.#visited.clear()
    const { x, y, width } = this.#box
    let nearest = -1
    let least = Infinity
    for (let at = 0; at < this.wrong.length; at++) {
      if (!this.wrong[at]) continue
      const distance = (x + (at % width) - from.x) ** 2 + (y + Math.floor(at / width) - from.y) ** 2
      if (distance >= least || this.#visited.has(at)) continue
      nearest = at
      least = distance
    }
    this.#visited.add(nearest)
    return this.left ? { x: x + (nearest % width), y: y + Math.floor(nearest / width) } : null
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {number} row by row; -1 beside it
   */
  #at(x, y) {
    const column = x - this.#box.x
    const row = y - this.#box.y
    const { width, height } = this.#box
    return column < 0 || row < 0 || column >= width || row >= height ? -1 : row * width + column
  }
}
