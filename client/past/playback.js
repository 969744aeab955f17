/**
 * The clock of a film: which moment to show while it plays, forwards or backwards, at a speed. The caller passes the time.
 *
 *     paused ── play ──► playing ── pause, or an end is reached ──► paused
 *                         │  ▲
 *             hold(true)  ▼  │ hold(false)
 *                         held: what is to be shown is still being loaded, and the film waits for it
 *
 * Pure; imports nothing. `now` is in ms of any clock that doesn't jump; moments are ms since the epoch.
 */

/** How many seconds of the past pass in one second. */
export const SPEEDS = [1, 10, 100, 1_000, 10_000, 100_000]

export class Playback {
  /** Of `SPEEDS`. */
  speed = 1_000
  backwards = false
  #from
  #to
  #moment
  #at = /** @type {number | null} */ (null) // the last tick; null: paused
  #held = false

  /**
   * @param {number} from  the first moment
   * @param {number} to  the last one
   */
  constructor(from, to) {
    this.#from = from
    this.#to = Math.max(from, to)
    this.#moment = this.#to
  }

  get from() {
    return this.#from
  }

  get to() {
    return this.#to
  }

  get moment() {
    return this.#moment
  }

  get playing() {
    return this.#at !== null
  }

  /** Whether it shows the last moment. */
  get atEnd() {
    return this.#moment >= this.#to
  }

  /**
   * The past has grown. A film at the end stays at the end.
   * @param {number} to
   */
  extend(to) {
    const follows = this.atEnd && !this.playing
    this.#to = Math.max(this.#to, to)
    if (follows) this.#moment = this.#to
  }

  /** @param {number} now */
  play(now) {
    if (!this.backwards && this.atEnd) this.#moment = this.#from // like every player
    else if (this.backwards && this.#moment <= this.#from) this.#moment = this.#to
    this.#at = now
  }

  pause() {
    this.#at = null
  }

  /**
   * Wait for a part that is loading, or go on.
   * @param {boolean} held
   */
  hold(held) {
    this.#held = held
  }

  /** @param {number} moment  one past an end counts as that end */
  seek(moment) {
    this.#moment = Math.min(this.#to, Math.max(this.#from, moment))
  }

  /**
   * The next speed of `SPEEDS`, or the one before.
   * @param {1 | -1} direction
   */
  step(direction) {
    const next = SPEEDS.indexOf(this.speed) + direction
    this.speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, next))]
  }

  /**
   * Time has passed.
   *
   * @param {number} now
   * @returns {number}  the moment to show
   */
  tick(now) {
    if (this.#at === null) return this.#moment
    // After a hidden tab or a machine's sleep the film doesn't leap: it stood still.
    const passed = Math.min(MOST_TICK_MS, Math.max(0, now - this.#at))
    this.#at = now
    if (this.#held) return this.#moment
    this.seek(this.#moment + passed * this.speed * (this.backwards ? -1 : 1))
    if (this.backwards ? this.#moment <= this.#from : this.atEnd) this.pause()
    return this.#moment
  }
}

const MOST_TICK_MS = 250
