/**
 * A stretch of the history: its edits in order, and how many of them the canvas has. Going forwards it remembers which
 * colour each edit covered, so that the way back needs no loading.
 *
 *     versions   from                                   to
 *                ├── edit ── edit ── edit ── edit ── edit┤        times never fall within it
 *                     done ─────────►│ position
 *
 * Pure. Versions are half-open, [from, to); moments are ms since the epoch.
 */

/**
 * @typedef {object} Edits
 * @property {number} from  the first version
 * @property {number} to  the version after the last: the page ends there, maybe before the requested end
 * @property {Float64Array} versions  each edit's offset: the version of the last canvas without it
 * @property {Float64Array} times  ms since the epoch
 * @property {Uint16Array} places  x, y, color, x, y, color, …
 */

export class Stretch {
  #edits
  #covered
  #position = 0

  /**
   * @param {Edits} edits
   * @param {number} earliest  none of its edits counts as older than this: the time of the edit before them
   */
  constructor(edits, earliest = -Infinity) {
    this.#edits = edits
    this.#covered = new Uint8Array(edits.times.length)
    // With several servers a broker may stamp a record a little earlier than the one before it.
    let last = earliest
    for (let i = 0; i < edits.times.length; i++) edits.times[i] = last = Math.max(last, edits.times[i])
  }

  get from() {
    return this.#edits.from
  }

  get to() {
    return this.#edits.to
  }

  get size() {
    return this.#edits.times.length
  }

  /** The version that the canvas is at: the first that has all edits that are done. */
  get version() {
    return this.#position ? this.#edits.versions[this.#position - 1] + 1 : this.from
  }

  /** The time of its last edit; null where it has none. */
  get end() {
    return this.size ? this.#edits.times[this.size - 1] : null
  }

  get isDone() {
    return this.#position === this.size
  }

  get isUntouched() {
    return this.#position === 0
  }

  /**
   * Bring a canvas, which is at this stretch's position, to its state at the end of a millisecond.
   *
   * @param {number} moment
   * @param {import('../canvas/canvas.js').Canvas} canvas
   */
  show(moment, canvas) {
    this.#move(firstAbove(this.#edits.times, moment), canvas)
  }

  /**
   * @param {number} position
   * @param {import('../canvas/canvas.js').Canvas} canvas
   */
  #move(position, canvas) {
    const { places } = this.#edits
    const covered = this.#covered.subarray(this.#position, position)
    if (position > this.#position) canvas.apply(places.subarray(3 * this.#position, 3 * position), covered)
    else if (position < this.#position) canvas.apply(this.#undone(position))
    this.#position = position
  }

  /**
   * The edits that take back all from `position` on: the last first, so that each pixel ends with the colour that its first
   * edit covered.
   * @param {number} position
   */
  #undone(position) {
    const undone = new Uint16Array(3 * (this.#position - position))
    for (let i = this.#position - 1, at = 0; i >= position; i--, at += 3) {
      undone[at] = this.#edits.places[3 * i]
      undone[at + 1] = this.#edits.places[3 * i + 1]
      undone[at + 2] = this.#covered[i]
    }
    return undone
  }
}

/**
 * The index of the first of the ascending values that is above `value`.
 *
 * @param {Float64Array} values
 * @param {number} value
 */
function firstAbove(values, value) {
  let [low, high] = [0, values.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle] <= value) low = middle + 1
    else high = middle
  }
  return low
}
