/**
 * The slide of a dragged canvas after its release. Arithmetic only; positions in CSS pixels, times in milliseconds.
 *
 * Pure; imports nothing.
 */

/** @typedef {import('./viewport.js').Point} Point */

const SEEN_MS = 80 // a finger's speed is that of its last moments
const HELD_MS = 50 // a finger that rests for so long before it lifts has stopped
const FRICTION_MS = 325 // the speed falls to 1/e in this time, as lists on phones do
const MIN_SPEED = 0.02 // px/ms; slower can't be seen

/** The way of a pointer, as far as its speed at the end needs it. */
export class Trail {
  #points = /** @type {{ at: Point, time: number }[]} */ ([])

  /**
   * @param {Point} at
   * @param {number} time
   */
  add(at, time) {
    this.#points = [...this.#points.filter((point) => time - point.time <= SEEN_MS), { at, time }]
  }

  /**
   * Its speed in px/ms, when it ends now.
   * @param {number} now
   */
  speed(now) {
    const [first, last] = [this.#points[0], this.#points.at(-1)]
    if (!last || now - last.time > HELD_MS || last.time - first.time < 8) return { x: 0, y: 0 }
    const ms = last.time - first.time
    return { x: (last.at.x - first.at.x) / ms, y: (last.at.y - first.at.y) / ms }
  }
}

/**
 * Slide for a while: the way in px, and the speed after it, 0 when it is over.
 *
 * @param {Point} speed  px/ms
 * @param {number} ms
 * @returns {{ way: Point, speed: Point | null }} null: it rests
 */
export function glide({ x, y }, ms) {
  const left = Math.exp(-ms / FRICTION_MS)
  const way = FRICTION_MS * (1 - left)
  const rests = Math.hypot(x, y) * left < MIN_SPEED
  return { way: { x: x * way, y: y * way }, speed: rests ? null : { x: x * left, y: y * left } }
}
