/**
 * The page's state: for people, and for the tabs that follow this one. It reads the state machine of `resync.js`. Pure.
 * Times are milliseconds since the epoch.
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

  /** Why the server, or a proxy, refuses us; null if it doesn't. */
  get refusal() {
    return this.#steps.isFollowing ? (this.#following.lead?.refusal ?? null) : this.#refusal
  }

  /**
   * The server refuses us, or no longer does.
   * @param {Refusal | null} refusal
   */
  refuse(refusal) {
    this.#refusal = refusal
  }

  /** Whether edits come by polls. */
  get polls() {
    return this.#steps.isFollowing ? (this.#following.lead?.polls ?? false) : this.#fallback.polls
  }

  /**
   * The state to show. The first wait after a reload is part of catching up: the server is there. A live stream under a
   * check stays live until the check gets no answer.
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
   * Whether edits are known to come here: of two tabs that have a stream, such a tab keeps it.
   * @param {number} now
   */
  isSound(now) {
    if (!isLive(this.connection) || this.#steps.isFollowing) return false
    return this.#steps.name !== 'stream' || this.#steps.patience.isSound(now)
  }
}
