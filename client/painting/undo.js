/**
 * Own pixels that can be undone: those in the canvas, until somebody else paints over them.
 *
 *                answered v = n, the canvas is at n or later and has our colour
 *     under way ──────────────────────────────────────────────────────────────► landed ──► undone, or painted over: gone
 *         │ refused, or another colour is there
 *         └──► gone
 *
 * An undo is a new edit, in the colour that was there before. Pure; imports nothing.
 */

/**
 * @typedef {object} Entry
 * @property {number} id  of the own pixel
 * @property {number} x
 * @property {number} y
 * @property {number} before  the colour that was there
 * @property {number} color  ours
 * @property {number} stroke  those of one stroke are undone together
 * @property {number} version  where it is visible; Infinity until the server has said so
 * @property {boolean} landed
 */

/** The most that can be undone: it is for slips, not for a day's work. A guess; as many as may be on their way at once. */
const MAX_ENTRIES = 256

export class Undoable {
  #entries = /** @type {Entry[]} */ ([])

  /**
   * A pixel was painted here and is about to be posted.
   * @param {{ id: number, x: number, y: number, before: number, color: number, stroke: number }} edit
   */
  add(edit) {
    this.#entries.push({ ...edit, version: Infinity, landed: false })
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift()
  }

  /**
   * The server answered.
   *
   * @param {number} id
   * @param {number | null} version  where it is visible; null: it may not have been placed
   */
  answered(id, version) {
    const entry = this.#entries.find((one) => one.id === id)
    if (entry && version !== null) entry.version = version
    else this.#drop((one) => one.id === id)
  }

  /**
   * The stream brought an edit of this pixel; call this for each edit of a frame, and `reached` after it.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} color
   */
  seen(x, y, color) {
    for (const entry of this.#entries) {
      if (entry.x === x && entry.y === y && !entry.landed && color !== entry.color) entry.before = color
    }
    this.#drop((one) => one.landed && one.x === x && one.y === y)
  }

  /**
   * The canvas is at this version now.
   *
   * @param {number} version
   * @param {(x: number, y: number) => number} colorAt  of the canvas
   */
  reached(version, colorAt) {
    this.#drop((one) => !one.landed && one.version <= version && colorAt(one.x, one.y) !== one.color)
    for (const entry of this.#entries) if (entry.version <= version) entry.landed = true
  }

  /** The pixel that an undo would take back; undefined if there is none. */
  get last() {
    return this.#entries.findLast((one) => one.landed)
  }

  /** The whole stroke that an undo would take back, its last pixel first; empty if there is none. */
  get lastStroke() {
    const stroke = this.last?.stroke
    return this.#entries.filter((one) => one.landed && one.stroke === stroke).reverse()
  }

  /**
   * It has been undone.
   * @param {number} id
   */
  undone(id) {
    this.#drop((one) => one.id === id)
  }

  /**
   * The undo failed; the entry stays.
   * @param {Entry} entry
   */
  restore(entry) {
    const at = this.#entries.findIndex(({ id }) => id > entry.id)
    this.#entries.splice(at < 0 ? this.#entries.length : at, 0, entry)
  }

  /** The page loaded a new canvas: nobody knows who painted meanwhile. */
  clear() {
    this.#entries = []
  }

  /** @param {(entry: Entry) => boolean} isGone */
  #drop(isGone) {
    if (this.#entries.some(isGone)) this.#entries = this.#entries.filter((one) => !isGone(one))
  }
}
