/**
 * The state of the tab that this one follows (`tabs.js`). Pure.
 */

/** @typedef {import('./commands.js').Lead} Lead */

export const AHEAD_MS = 5_000 // within which that tab has to reach our version, or something is wrong

export class Following {
  /** That tab's last message; null before the first, or without such a tab. */
  lead = /** @type {Lead | null} */ (null)

  #aheadSince = /** @type {number | null} */ (null)

  /** This tab follows another one, or none. */
  reset() {
    this.lead = null
    this.#aheadSince = null
  }

  /** Whether that tab's edits come. */
  get isLive() {
    return isLive(this.lead?.connection)
  }

  /**
   * The connection's state to show.
   *
   * @param {{ isCaughtUp: boolean, isProbing: boolean }} us
   * @returns {import('./commands.js').Connection}
   */
  connection({ isCaughtUp, isProbing }) {
    const connection = this.lead?.connection ?? (isProbing ? 'live' : 'catching-up')
    return connection === 'offline' || isCaughtUp || isProbing ? connection : 'catching-up'
  }

  /**
   * Whether we have been ahead of that tab for too long: our version is from a future that the server doesn't have, so we
   * would never see the edits that come instead.
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
