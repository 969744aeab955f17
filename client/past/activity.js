/**
 * Where and when people painted: the heights of the time line, how fast a film may show single edits, and two layers over
 * the canvas, for heat and for pixels that nobody has painted. A layer for `screen.js`.
 */

const AGAIN_MS = 60_000 // it changes slowly, and costs the server more than anything else here

/** @typedef {import('./source.js').History} History */
/** @typedef {import('./source.js').ActivityAnswer} ActivityAnswer */

export class Activity {
  #source
  #changed
  #answer = /** @type {ActivityAnswer | null} */ (null)
  #askedAt = -Infinity

  /**
   * @param {Pick<import('./source.js').Source, 'activity'>} source
   * @param {() => void} changed
   */
  constructor(source, changed) {
    this.#source = source
    this.#changed = changed
  }

  /** Edits in each of equal parts of the whole time. */
  get counts() {
    return this.#answer?.slices ?? []
  }

  /**
   * Load the activity, if it is missing or old.
   * @param {History} history
   */
  async load({ from, to }) {
    const now = performance.now()
    if (now - this.#askedAt < AGAIN_MS) return
    this.#askedAt = now
    try {
      this.#answer = await this.#source.activity(from, to + 1)
    } catch (error) {
      this.#askedAt = -Infinity
      throw error
    }
    this.#changed()
  }

  clear() {
    this.#answer = null
    this.#askedAt = -Infinity
  }

  /**
   * How many edits there were in a ms, around a moment.
   * @param {number} moment
   */
  densityAt(moment) {
    if (!this.#answer) return 0
    const { from, to, slices } = this.#answer
    const part = (to - from) / slices.length
    const at = Math.min(slices.length - 1, Math.max(0, Math.floor((moment - from) / part)))
    return slices[at] / part
  }

  /**
   * @param {'heat' | 'untouched'} layer
   * @param {CanvasRenderingContext2D} context
   * @param {import('../view/viewport.js').View} view
   * @param {import('../canvas/canvas.js').Canvas} canvas
   */
  draw(layer, context, view, { width, height }) {
    if (!this.#answer) return
    const cells = this.#answer[layer]
    const strength = layer === 'heat' ? heatOf(cells) : untouchedOf(cells, width, height)
    const [wide, high] = [(width / cells.length) * view.scale, (height / cells.length) * view.scale]
    context.fillStyle = '#000'
    context.globalAlpha = 0.75 // so that marked pixels stand out from any colours, and these stay visible
    context.fillRect(-view.left * view.scale, -view.top * view.scale, width * view.scale, height * view.scale)
    for (const [row, line] of cells.entries()) {
      for (const [column, count] of line.entries()) {
        const part = strength(count)
        if (!part) continue
        context.globalAlpha = layer === 'heat' ? Math.min(0.9, 0.2 + part) : 0.8 * part
        context.fillStyle = layer === 'heat' ? glowing(part) : '#00d5ff'
        const [x, y] = [column * wide - view.left * view.scale, row * high - view.top * view.scale]
        context.fillRect(Math.round(x), Math.round(y), Math.round(x + wide) - Math.round(x), Math.round(y + high) - Math.round(y))
      }
    }
  }
}

/**
 * From dark red through orange to a pale yellow, like heated metal.
 * @param {number} part  0 to 1
 */
function glowing(part) {
  return `hsl(${60 * part} 100% ${30 + 45 * part}%)`
}

/**
 * By the square root, so that quiet cells differ from empty ones.
 * @param {number[][]} cells
 */
function heatOf(cells) {
  const most = Math.max(1, ...cells.flat())
  return (/** @type {number} */ count) => Math.sqrt(count / most)
}

/**
 * By the share of a cell's pixels.
 *
 * @param {number[][]} cells
 * @param {number} width  canvas pixels
 * @param {number} height
 */
function untouchedOf(cells, width, height) {
  const pixels = (width / cells.length) * (height / cells.length)
  return (/** @type {number} */ count) => Math.min(1, count / pixels)
}
