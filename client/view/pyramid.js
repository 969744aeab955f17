/**
 * The canvas as colours at half its size, a quarter, an eighth, and so on: the source for drawing a zoomed-out canvas.
 *
 *     level 0    the canvas itself: palette indexes, no copy
 *     level k    each pixel is the mean of four of level k - 1
 *
 * Scaling down by more than two from only four neighbours skips most pixels, and the pixels that it hits change as the view
 * moves: the picture sparkles. A level costs a quarter of the one below; all together take a third of the canvas's RGBA, 21
 * MB for 4096 x 4096, and levels that no view needs are never made. An edit changes one pixel in each. Pure; needs no DOM.
 */

const LANES = 0xff00ff // two of a colour's four bytes, each with room for a sum above it

export class Pyramid {
  #canvas
  #levels = /** @type {Uint32Array[]} */ ([]) // from level 1 on
  #four = new Uint32Array(4)

  /** @param {import('../canvas/canvas.js').Canvas} canvas */
  constructor(canvas) {
    this.#canvas = canvas
  }

  /** Everything may have changed: levels are made anew when they are needed. */
  reset() {
    this.#levels = []
  }

  /** @param {number} level */
  width(level) {
    return Math.ceil(this.#canvas.width / 2 ** level)
  }

  /** @param {number} level */
  height(level) {
    return Math.ceil(this.#canvas.height / 2 ** level)
  }

  /**
   * Copy a part of a row; beyond the edges the edge's pixels go on.
   *
   * @param {number} level
   * @param {number} y
   * @param {number} left
   * @param {number} right  half-open
   * @param {Uint32Array} to  colours, as in `Canvas.colors`
   * @param {number} at  where in `to` they begin
   */
  copy(level, y, left, right, to, at) {
    while (this.#levels.length < level) this.#make(this.#levels.length + 1)
    const { colors, indexes } = this.#canvas
    const width = this.width(level)
    const start = Math.min(Math.max(y, 0), this.height(level) - 1) * width
    const pixels = this.#levels[level - 1]
    for (let x = left; x < right; x++) {
      const from = start + Math.min(Math.max(x, 0), width - 1)
      to[at++] = level ? pixels[from] : colors[indexes[from]]
    }
  }

  /**
   * The pixel x, y of the canvas has changed.
   *
   * @param {number} x
   * @param {number} y
   */
  update(x, y) {
    const four = this.#four
    for (let level = 1; level <= this.#levels.length; level++) {
      x >>= 1
      y >>= 1
      this.copy(level - 1, 2 * y, 2 * x, 2 * x + 2, four, 0)
      this.copy(level - 1, 2 * y + 1, 2 * x, 2 * x + 2, four, 2)
      this.#levels[level - 1][y * this.width(level) + x] = mean(four[0], four[1], four[2], four[3])
    }
  }

  /**
   * A pixel's colour, '#rrggbb'.
   *
   * @param {number} level
   * @param {number} x
   * @param {number} y
   */
  css(level, x, y) {
    this.copy(level, y, x, x + 1, this.#four, 0)
    const [r, g, b] = new Uint8Array(this.#four.buffer)
    return `#${(2 ** 24 + (r << 16) + (g << 8) + b).toString(16).slice(1)}`
  }

  /** @param {number} level */
  #make(level) {
    const [width, height] = [this.width(level), this.height(level)]
    const pixels = new Uint32Array(width * height)
    const row = new Uint32Array(4 * width) // two rows of the level below
    for (let y = 0, at = 0; y < height; y++) {
      this.copy(level - 1, 2 * y, 0, 2 * width, row, 0)
      this.copy(level - 1, 2 * y + 1, 0, 2 * width, row, 2 * width)
      for (let x = 0; x < 2 * width; x += 2) {
        pixels[at++] = mean(row[x], row[x + 1], row[x + 2 * width], row[x + 1 + 2 * width])
      }
    }
    this.#levels.push(pixels)
  }
}

/**
 * The mean of four colours, all four bytes of each.
 *
 * @param {number} a
 * @param {number} b
 * @param {number} c
 * @param {number} d
 */
function mean(a, b, c, d) {
  const low = (a & LANES) + (b & LANES) + (c & LANES) + (d & LANES) + 0x20002
  const high = ((a >>> 8) & LANES) + ((b >>> 8) & LANES) + ((c >>> 8) & LANES) + ((d >>> 8) & LANES) + 0x20002
  return ((low >>> 2) & LANES) | (((high >>> 2) & LANES) << 8)
}
