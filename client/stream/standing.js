/**
 * How the page stands: what to tell people, and the tabs that follow this one. It reads what the state machine of `resync.js`
 * keeps. Pure. Times are milliseconds since the epoch.
 */

import { isLive } from './following.js'

/** @typedef {import('./refusals.js').Refusal} Refusal */

export class Standing {
  #fallback
  #following
  #presence
  #progress
  #refusal = /** @type {Refusal | null} */ (null)
  #steps

  /**
   * @param {object} parts
   * @param {import('./fallback.js').Fallback} parts.fallback
   * @param {import('./following.js').Following} parts.following
   * @param {import('./presence.js').Presence} parts.presence
   * @param {import('./progress.js').Progress} parts.progress
   * @param {import('./steps.js').Steps} parts.steps
   */
  constructor({ fallback, following, presence, progress, steps }) {
    this.#fallback = fallback
    this.#following = following
    this.#presence = presence
    this.#progress = progress
    this.#steps = steps
  }

  /** Why the server, or a proxy, doesn't let us; null when that isn't what is wrong. */
  get refusal() {
    return this.#steps.isFollowing ? (this.#following.lead?.refusal ?? null) : this.#refusal
  }

  /**
   * We are refused, or no longer.
   * @param {Refusal | null} refusal
   */
  refuse(refusal) {
    this.#refusal = refusal
  }

  /** Whether edits come by asking again and again. */
  get polls() {
    return this.#steps.isFollowing ? (this.#following.lead?.polls ?? false) : this.#fallback.polls
  }

  /**
   * What to tell people. The first wait after a reload is part of catching up: the server is there. A live stream that
   * is looked after stays live until nobody answers.
   *
   * @returns {import('./commands.js').Connection}
   */
  get connection() {
    const { isCaughtUp, log, writable } = this.#progress
    const { hasEdits, isFollowing, isOpen, isProbing, isWaitingInNeed } = this.#steps
    if (this.#presence.isOffline) return 'offline'
    if (isFollowing) return this.#following.connection({ isCaughtUp, isProbing })
    if (this.#refusal || isWaitingInNeed) return 'offline'
    if (log === null) return 'connecting'
    if (!(hasEdits && (isOpen ? isCaughtUp : isProbing))) return 'catching-up'
    return writable ? 'live' : 'read-only'
  }

  /**
   * Milliseconds until the next attempt; 0 unless waiting.
   * @param {number} now
   */
  retryInMs(now) {
    const dueAt = this.#steps.isFollowing ? (this.#following.lead?.retryAt ?? 0) : this.#steps.retryAt
    return Math.max(0, dueAt - now)
  }

  /**
   * For the tabs that follow this one.
   * @returns {import('./commands.js').Lead}
   */
  get asLead() {
    const { log, version, viewers, notices } = this.#progress
    const { connection, polls, refusal } = this
    return { connection, log, version, viewers, retryAt: this.#steps.retryAt, refusal, polls, notices }
  }

  /**
   * Whether edits are known to come here, and not only hoped for: of two tabs that have the stream, that one is to keep it.
   * @param {number} now
   */
  isSound(now) {
    if (!isLive(this.connection) || this.#steps.isFollowing) return false
    return this.#steps.name !== 'stream' || this.#steps.patience.isSound(now)
  }
}
