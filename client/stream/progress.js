/**
 * How far the canvas is, and how far the server. Pure; imports nothing.
 */

export class Progress {
  /** The version of the canvas shown; -1 before the first. */
  version = -1
  /** The log id of the canvas shown; null before the first. */
  log = /** @type {string | null} */ (null)
  /** The server's version, as far as is known. */
  goal = 0
  /** Whether the canvas has got as far as the server said; what it says later comes by itself. */
  isCaughtUp = false
  writable = true
  viewers = /** @type {number | null} */ (null)
  /** What the host says to everybody, by the newest status; null before the first. */
  notices = /** @type {import('../gate/gate.js').Notices | null} */ (null)

  #told = false // a status, since edits were asked for
  #askedFrom = -1

  get lag() {
    return this.log === null ? 0 : Math.max(0, this.goal - this.version)
  }

  /** Whether a version came, since edits were asked for. */
  get hasGrown() {
    return this.version > this.#askedFrom
  }

  /** Edits are asked for. */
  ask() {
    this.#told = false
    this.#askedFrom = this.version
  }

  /** The canvas against the goal. */
  compare() {
    this.isCaughtUp = this.version >= this.goal
  }

  /**
   * @param {import('./commands.js').Status} status
   * @param {boolean} isExpected  to be ahead: it stands before the edits of an answer that ends
   */
  status({ version, viewers, writable, notices }, isExpected) {
    // What comes later may be ahead of edits that are on their way, for a moment: it counts when the next one comes.
    const late = (!this.#told && !isExpected) || this.version < this.goal
    this.#told = true
    this.goal = version
    this.viewers = viewers
    this.writable = writable
    this.notices = notices ?? {}
    if (this.version >= version) this.isCaughtUp = true
    else if (late) this.isCaughtUp = false
  }

  /**
   * Edits up to this version are applied.
   *
   * @param {number} version
   * @returns {boolean} false: they were already
   */
  reach(version) {
    if (version <= this.version) return false
    this.version = version
    if (version >= this.goal) this.isCaughtUp = true
    return true
  }
}
