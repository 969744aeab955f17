/**
 * The canvas as the page holds it: palette indexes, and the same pixels as colours ready to be drawn.
 *
 * Only the image and the stream write to it (`connection.js`); own pixels on their way are an overlay elsewhere.
 * Needs no DOM.
 */

/** @typedef {{ x: number, y: number, width: number, height: number }} Rectangle */

/** Past this many changed pixels one rectangle around all is cheaper to draw than each by itself; a guess. */
const MAX_SINGLE = 64

export class Canvas {
  /**
   * @param {number} width
   * @param {number} height
   * @param {string[]} palette  '#rrggbb'
   */
  constructor(width, height, palette) {
    this.width = width
    this.height = height
    /** One palette index per pixel, row by row. */
    this.indexes = new Uint8Array(width * height)
    /** The same as RGBA, in the byte order that ImageData takes. */
    this.rgba = new Uint8ClampedArray(width * height * 4)
    this.#colors = Uint32Array.from(palette, rgbaOf)
    this.#pixels = new Uint32Array(this.rgba.buffer)
    this.#pixels.fill(this.#colors[0])
    this.#box = { left: 0, top: 0, right: width, bottom: height }
  }

  #colors
  #pixels
  #changed = /** @type {Rectangle[]} */ ([])
  #box = { left: 0, top: 0, right: 0, bottom: 0 } // half-open, around all that changed
  #many = true // more changed than #changed holds; at first everything did

  /**
   * Replace everything.
   *
   * @param {Uint8Array} indexes  width * height palette indexes
   */
  load(indexes) {
    this.indexes.set(indexes)
    for (let i = 0; i < indexes.length; i++) this.#pixels[i] = this.#colors[indexes[i]] ?? this.#colors[0]
    this.#many = true
    this.#box = { left: 0, top: 0, right: this.width, bottom: this.height }
  }

  /**
   * Apply edits in their order. One outside of the canvas or palette is passed over: no server of ours sends it, and
   * the page should outlive one that does.
   *
   * @param {Uint16Array} edits  x, y, color, x, y, color, …
   */
  apply(edits) {
    for (let i = 0; i < edits.length; i += 3) {
      const [x, y, color] = [edits[i], edits[i + 1], edits[i + 2]]
      if (x >= this.width || y >= this.height || color >= this.#colors.length) continue
      const at = y * this.width + x
      this.indexes[at] = color
      this.#pixels[at] = this.#colors[color]
      this.#mark(x, y)
    }
  }

  /**
   * The rectangles that changed since the last call, which the caller draws now.
   *
   * @returns {Rectangle[]}
   */
  takeChanges() {
    const { left, top, right, bottom } = this.#box
    const changes = this.#many ? [{ x: left, y: top, width: right - left, height: bottom - top }] : this.#changed
    this.#changed = []
    this.#many = false
    this.#box = { left: this.width, top: this.height, right: 0, bottom: 0 }
    return changes.filter(({ width, height }) => width > 0 && height > 0)
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #mark(x, y) {
    const box = this.#box
    if (x < box.left) box.left = x
    if (y < box.top) box.top = y
    if (x >= box.right) box.right = x + 1
    if (y >= box.bottom) box.bottom = y + 1
    if (this.#many) return
    this.#changed.push({ x, y, width: 1, height: 1 })
    if (this.#changed.length > MAX_SINGLE) this.#many = true
  }
}

/** @param {string} color  '#rrggbb' */
function rgbaOf(color) {
  const rgb = parseInt(color.slice(1), 16)
  const bytes = new Uint8Array([rgb >> 16, rgb >> 8, rgb, 255]) // through bytes, so that any byte order is right
  return new Uint32Array(bytes.buffer)[0]
}
