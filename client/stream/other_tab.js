/**
 * Edits from another tab of this browser, which has the stream (`tabs.js`): follows it, and asks the server for missing
 * frames. Pure. Times are milliseconds since the epoch.
 */

import { LATE_MS } from './patience.js'

/** @typedef {import('./commands.js').Command} Command */
/** @typedef {import('./commands.js').Lead} Lead */

export class OtherTab {
  #backOff
  #following
  #progress
  #standing
  #steps

  /**
   * @param {object} parts
   * @param {import('./back_off.js').BackOff} parts.backOff
   * @param {import('./following.js').Following} parts.following
   * @param {import('./progress.js').Progress} parts.progress
   * @param {import('./standing.js').Standing} parts.standing
   * @param {import('./steps.js').Steps} parts.steps
   */
  constructor({ backOff, following, progress, standing, steps }) {
    this.#backOff = backOff
    this.#following = following
    this.#progress = progress
    this.#standing = standing
    this.#steps = steps
  }

  /** Whether another tab has the stream, and its frames may come next. */
  get awaitsShared() {
    return this.#steps.isFollowing
  }

  /**
   * Another tab of this browser has the stream, or none has.
   *
   * @param {boolean} follows
   * @param {number} now
   * @returns {Command | null}
   */
  follow(follows, now) {
    const steps = this.#steps
    if (follows === steps.follows) return null
    steps.follows = follows
    this.#standing.refuse(null)
    const waits = steps.name === 'waiting' && steps.resume === 'stream'
    const command = steps.hasEdits || (follows && waits) ? steps.enter('stream', now) : null
    this.#following.reset()
    return command
  }

  /**
   * The tab that has the stream told its state. Its earlier frames have arrived by now: a missing one is lost.
   *
   * @param {Lead} lead
   * @param {number} now
   * @returns {Command | null}
   */
  gotLead(lead, now) {
    if (!this.#steps.isFollowing) return null
    this.#following.lead = lead
    this.#steps.patience.heard(now)
    this.#progress.viewers = lead.viewers
    this.#progress.notices = lead.notices ?? null
    if (!this.#following.isLive) return null
    this.#steps.answered(now, now - LATE_MS)
    if (this.#steps.name === 'delta') return null
    if (lead.log !== this.#progress.log) return this.#steps.wait('info', now, { calm: true }) // one of us has an old one
    this.#progress.goal = lead.version
    this.#progress.compare()
    if (!this.#progress.isCaughtUp || this.#following.isLost(this.#progress.version, now)) return this.#steps.enter('delta', now)
    this.#steps.stopProbing()
    this.#backOff.reset()
    return null
  }

  /**
   * A frame came from the tab that has the stream. True: apply it. False: it doesn't go on from our canvas, or has nothing
   * new.
   *
   * @param {{ log: string, from: number, to: number }} frame  the frame has all edits from one version to the other
   * @param {number} now
   */
  gotShared({ log, from, to }, now) {
    const progress = this.#progress
    if (!this.#steps.isFollowing || log !== progress.log || from > progress.version || !progress.reach(to)) return false
    this.#steps.patience.heard(now)
    return true
  }
}
