/**
 * The version of the canvas, and the server's. Pure; imports nothing.
 */

export class Progress {
  /** The version of the canvas shown; -1 before the first. */
  version = -1
  /** The log id of the canvas shown; null before the first. */
  log = /** @type {string | null} */ (null)
  /** The server's last known version. */
  goal = 0
  /** Whether the canvas has reached the version that the server named; later edits come by themselves. */
  isCaughtUp = false
  writable = true
  viewers = /** @type {number | null} */ (null)
  /** The host's notices to everybody, from the newest status; null before the first. */
  notices = /** @type {import('../gate/gate.js').Notices | null} */ (null)

  #told = false // a status, since the request for edits
  #askedFrom = -1

  get lag() {
    return this.log === null ? 0 : Math.max(0, this.goal - this.version)
  }

  /** Whether a version came since the request for edits. */
  get hasGrown() {
    return this.version > this.#askedFrom
  }

  /** The page asks for edits. */
  ask() {
    this.#told = false
    this.#askedFrom = this.version
  }

  /** Compares the canvas with the goal. */
  compare() {
    this.isCaughtUp = this.version >= this.goal
  }

  /**
   * @param {import('./commands.js').Status} status
   * @param {boolean} isExpected  whether its version may be ahead: it comes before the edits of a poll's answer
   */
  status({ version, viewers, writable, notices }, isExpected) {
    // A later status may be ahead of edits that are on their way, for a moment: it counts when the next one comes.
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
