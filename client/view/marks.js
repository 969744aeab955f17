/**
 * The outcome of own pixels, for a moment: a ring where one was placed, a cross where one was refused. A layer for
 * `screen.js`.
 */

/** @typedef {{ x: number, y: number, placed: boolean, since: number }} Mark */

const MARK_MS = { placed: 700, refused: 1_800 } // a refusal has to be found by the eye first
const MAX_MARKS = 256 // as many as own pixels may be on their way

export class Marks {
  #marks = /** @type {Mark[]} */ ([])
  #now

  /** @param {() => number} [now]  milliseconds */
  constructor(now = () => performance.now()) {
    this.#now = now
  }

  /**
   * @param {{ x: number, y: number }} pixel
   * @param {boolean} placed
   */
  add({ x, y }, placed) {
    this.#marks.push({ x, y, placed, since: this.#now() })
    if (this.#marks.length > MAX_MARKS) this.#marks.shift()
  }

  /** @type {import('./screen.js').Layer} */
  layer = (context, view) => {
    const now = this.#now()
    const ageOf = (/** @type {Mark} */ mark) => (now - mark.since) / (mark.placed ? MARK_MS.placed : MARK_MS.refused)
    this.#marks = this.#marks.filter((mark) => ageOf(mark) < 1)
    for (const mark of this.#marks) {
      const size = Math.max(view.scale, 8)
      const x = (mark.x + 0.5 - view.left) * view.scale
      const y = (mark.y + 0.5 - view.top) * view.scale
      context.globalAlpha = 1 - ageOf(mark)
      context.beginPath()
      if (mark.placed) context.arc(x, y, size * (0.7 + ageOf(mark) / 2), 0, 7)
      else cross(context, x, y, size / 2)
      for (const [width, color] of /** @type {const} */ ([[5, '#fff'], [2.5, mark.placed ? '#15803d' : '#c02626']])) {
        context.lineWidth = width
        context.strokeStyle = color
        context.stroke()
      }
      context.globalAlpha = 1
    }
    return this.#marks.length > 0
  }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 * @param {number} arm
 */
function cross(context, x, y, arm) {
  context.moveTo(x - arm, y - arm)
  context.lineTo(x + arm, y + arm)
  context.moveTo(x + arm, y - arm)
  context.lineTo(x - arm, y + arm)
}
