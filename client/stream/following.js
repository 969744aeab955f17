/**
 * What is known of the tab that is followed (`tabs.js`). Pure.
 */

/** @typedef {import('./commands.js').Lead} Lead */

export const AHEAD_MS = 5_000 // by which that tab has got as far as we are, or something is wrong

export class Following {
  /** Its last word; null before the first, or without one. */
  lead = /** @type {Lead | null} */ (null)

  #aheadSince = /** @type {number | null} */ (null)

  /** Another tab is followed, or none. */
  reset() {
    this.lead = null
    this.#aheadSince = null
  }

  /** Whether its edits come. */
  get isLive() {
    return isLive(this.lead?.connection)
  }

  /**
   * What to tell people.
   *
   * @param {{ isCaughtUp: boolean, isProbing: boolean }} us
   * @returns {import('./commands.js').Connection}
   */
  connection({ isCaughtUp, isProbing }) {
    const connection = this.lead?.connection ?? (isProbing ? 'live' : 'catching-up')
    return connection === 'offline' || isCaughtUp || isProbing ? connection : 'catching-up'
  }

  /**
   * Whether we are ahead of it for too long: from a future that the server has not, so that we would never see what comes
   * instead of it.
   *
   * @param {number} version  ours
   * @param {number} now
   */
  isLost(version, now) {
    const isAhead = this.lead !== null && this.lead.version < version
    this.#aheadSince = isAhead ? Math.min(now, this.#aheadSince ?? now) : null
    if (this.#aheadSince === null || now - this.#aheadSince < AHEAD_MS) return false
    this.#aheadSince = null
    return true
  }
}

/** @param {import('./commands.js').Connection | undefined} connection */
export function isLive(connection) {
  return connection === 'live' || connection === 'read-only'
}
