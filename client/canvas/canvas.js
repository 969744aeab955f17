/**
 * The canvas as the page holds it: palette indexes, one byte per pixel, and which pixels have changed.
 *
 * Only the image and the stream write to it (`connection.js`); own pixels on their way are an overlay elsewhere.
 * `pyramid.js` and `tiles.js` turn indexes into colours as they draw, only for the visible part: all of 4096 x 4096 pixels
 * as RGBA would be 64 MB more than these 16. Needs no DOM.
 */

/** The most changes to remember until the screen takes them, ten times a second; beyond that everything counts as changed. */
const MAX_CHANGES = 32_768

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
    this.indexes = /** @type {Uint8Array} */ (new Uint8Array(width * height))
    /** Each palette index's colour, as the 32 bits that ImageData takes; the blank colour for those without one. */
    this.colors = new Uint32Array(256).fill(rgbaOf(palette[0]))
    this.colors.set(palette.map(rgbaOf))
    this.#known = palette.length
  }

  #known
  #changed = new Uint32Array(MAX_CHANGES)
  #count = Infinity // past MAX_CHANGES: everything; so it is at first

  /**
   * Replace everything.
   *
   * @param {Uint8Array} indexes  width * height palette indexes; they are the canvas's from now on
   */
  load(indexes) {
    this.indexes = indexes
    this.#count = Infinity
  }

  /**
   * The palette index of a pixel; null beside the canvas.
   *
   * @param {number} x
   * @param {number} y
   */
  at(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height ? this.indexes[y * this.width + x] : null
  }

  /**
   * Apply edits in their order. An edit outside the canvas or palette is ignored: no server of ours sends one, and the page
   * should survive one that does.
   *
   * @param {Uint16Array} edits  x, y, color, x, y, color, …
   * @param {Uint8Array} [covered]  gets the palette index that each edit covers, for going back
   */
  apply(edits, covered) {
    for (let i = 0; i < edits.length; i += 3) {
      const x = edits[i]
      const y = edits[i + 1]
      const color = edits[i + 2]
      if (x >= this.width || y >= this.height || color >= this.#known) continue
      const at = y * this.width + x
      if (covered) covered[i / 3] = this.indexes[at]
      if (this.indexes[at] === color) continue
      this.indexes[at] = color
      this.#changed[this.#count++] = at // past its end a typed array takes nothing
    }
  }

  /**
   * The pixels that changed since the last call, as y * width + x, maybe repeated; null: everything may have.
   *
   * @returns {Uint32Array | null} valid until the next `apply`
   */
  takeChanges() {
    const count = this.#count
    this.#count = 0
    return count > MAX_CHANGES ? null : this.#changed.subarray(0, count)
  }
}

/** @param {string} color  '#rrggbb' */
function rgbaOf(color) {
  const rgb = parseInt(color.slice(1), 16)
  const bytes = new Uint8Array([rgb >> 16, rgb >> 8, rgb, 255]) // through bytes, so that any byte order is right
  return new Uint32Array(bytes.buffer)[0]
}
