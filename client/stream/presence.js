/**
 * Whether somebody looks, whether the page was awake, and whether there is a network, as far as the browser reports it.
 * Pure; imports nothing. Times are milliseconds since the epoch.
 */

export const HIDDEN_MS = 5_000 // a look at another tab costs nothing
const SLEEP_MS = 5_000 // between two ticks of a page that is seen: the machine slept

export class Presence {
  #tickedAt = /** @type {number | null} */ (null)
  #hiddenAt = /** @type {number | null} */ (null)
  #said = true // the last report of the browser on whether there is a network

  /** When the browser said that there is none; null once a server has answered all the same. */
  lostAt = /** @type {number | null} */ (null)

  get isSeen() {
    return this.#hiddenAt === null
  }

  /** Whether the browser says that there is no network, and no server has answered since. */
  get isOffline() {
    return this.lostAt !== null
  }

  /**
   * Time passes.
   *
   * @param {number} now
   * @returns {boolean} somebody looks, and it has not passed for a while: the page, or the machine, slept
   */
  tick(now) {
    const slept = this.#tickedAt !== null && now - this.#tickedAt > SLEEP_MS
    this.#tickedAt = now
    return slept && this.isSeen
  }

  /**
   * Whether nobody has looked for a moment.
   * @param {number} now
   */
  isAway(now) {
    return this.#hiddenAt !== null && Math.abs(now - this.#hiddenAt) >= HIDDEN_MS
  }

  /**
   * @param {boolean} visible
   * @param {number} now
   */
  seen(visible, now) {
    this.#hiddenAt = visible ? null : (this.#hiddenAt ?? now)
  }

  /**
   * @param {boolean} online
   * @param {number} now
   * @returns {boolean} that is news
   */
  network(online, now) {
    if (online === this.#said) return false
    this.#said = online
    this.lostAt = online ? null : now
    return true
  }

  /**
   * A server has answered. A stream that was open before may go on though nothing new gets through: that is no answer.
   * @param {number} askedAt
   */
  answered(askedAt) {
    if (this.lostAt !== null && askedAt > this.lostAt) this.lostAt = null
  }
}
