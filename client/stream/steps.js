/**
 * The page's step, the next one, and the command that carries it out. `resync.js` decides when to take which step, and draws
 * them; this file knows how. Each step has a run number of its own. Pure: times are milliseconds since the epoch.
 */

import { CAP_MS } from './back_off.js'
import { Patience } from './patience.js'

/** @typedef {import('./commands.js').Command} Command */
/** @typedef {import('./commands.js').End} End */
/** @typedef {import('./commands.js').Step} Step */
/** @typedef {'info' | 'image' | 'stream'} Resumption  what a step that failed is tried again by */
/** @typedef {'silent' | 'refused'} Doubt  why a poll is in a stream's place */

const MAX_RETRY_AFTER_MS = 60_000
/** The steps in which edits come, or are about to; `#source` chooses one. */
const EDITS = ['stream', 'poll', 'pause', 'follow', 'delta']
const REQUESTS = ['info', 'image', 'stream', 'poll', 'delta']

export class Steps {
  /** Another tab has the stream, or should have. */
  follows = false
  patience = new Patience()

  #backOff
  #fallback
  #image
  #isLive
  #presence
  #progress
  #run = 0
  #name = /** @type {Step} */ ('info')
  #resume = /** @type {Resumption} */ ('info') // after waiting or resting
  #dueAt = 0
  #isProbing = false
  #doubt = /** @type {Doubt | null} */ (null)
  #isCalm = false

  /**
   * @param {object} parts
   * @param {import('./back_off.js').BackOff} parts.backOff
   * @param {import('./fallback.js').Fallback} parts.fallback
   * @param {import('./wanted_image.js').WantedImage} parts.image
   * @param {import('./presence.js').Presence} parts.presence
   * @param {import('./progress.js').Progress} parts.progress
   * @param {() => boolean} parts.isLive  whether the page shows that edits come
   */
  constructor({ backOff, fallback, image, presence, progress, isLive }) {
    this.#backOff = backOff
    this.#fallback = fallback
    this.#image = image
    this.#isLive = isLive
    this.#presence = presence
    this.#progress = progress
  }

  /** The running step. */
  get name() {
    return this.#name
  }

  /** The step after waiting or resting. */
  get resume() {
    return this.#resume
  }

  /** When waiting is over; 0 unless waiting. */
  get retryAt() {
    return this.#name === 'waiting' ? this.#dueAt : 0
  }

  /** Why the running poll replaces a stream. */
  get doubt() {
    return this.#doubt
  }

  /** Whether the page checks a stream that was live, or asks once more. */
  get isProbing() {
    return this.#isProbing
  }

  /** Whether the page waits because something is wrong. */
  get isWaitingInNeed() {
    return this.#name === 'waiting' && !this.#isCalm
  }

  /** Whether edits come, or are about to. */
  get hasEdits() {
    return EDITS.includes(this.#name)
  }

  /** Whether edits are known to come now. */
  get isOpen() {
    return this.#name === 'pause' || this.patience.isOpen
  }

  /** Whether this tab takes another tab's edits. */
  get isFollowing() {
    return this.#name === 'follow' || this.#name === 'delta'
  }

  /** The step with which to try again if this one fails. */
  get resumption() {
    if (this.#name === 'waiting') return this.#resume
    return this.#name === 'info' || this.#name === 'image' ? this.#name : 'stream'
  }

  /** How long the running poll waits for news. */
  get waitSeconds() {
    return this.#name === 'poll' && !this.#doubt ? this.#fallback.waitSeconds : 0
  }

  /**
   * Whether a result is from the running command.
   * @param {number} run
   */
  isOf(run) {
    return run === this.#run
  }

  /**
   * Whether the running command is a request, so that its end matters.
   * @param {number} run
   */
  isRequest(run) {
    return run === this.#run && REQUESTS.includes(this.#name)
  }

  /**
   * Whether a request has taken too long.
   * @param {number} now
   */
  isOverdue(now) {
    if (this.#name === 'follow') return false // `tabs.js` says when no tab leads any more
    return this.patience.isOver(this.#name, { waitSeconds: this.waitSeconds, isFirst: this.#progress.log === null }, now)
  }

  /**
   * Whether waiting, or the pause between two polls, is over.
   * @param {number} now
   */
  isDue(now) {
    // More than any back-off ahead: the clock was set back.
    return now >= this.#dueAt || this.#dueAt - now > CAP_MS + MAX_RETRY_AFTER_MS
  }

  /**
   * A server has answered.
   * @param {number} now
   * @param {number} [askedAt]
   */
  answered(now, askedAt = now - this.patience.ranMs(now)) {
    this.patience.reset()
    this.#presence.answered(askedAt)
  }

  /** Show from now on that nothing comes. */
  stopProbing() {
    this.#isProbing = false
  }

  /**
   * The browser says that there is no network: a waiting step waits longer.
   * @param {number} now
   */
  postpone(now) {
    if (this.#name === 'waiting') this.#dueAt = Math.max(this.#dueAt, now + CAP_MS)
  }

  /**
   * @param {Step} wanted  'stream' stands for the present source of edits
   * @param {number} now
   * @param {Doubt | null} [doubt]
   * @returns {Command}
   */
  enter(wanted, now, doubt = null) {
    const step = wanted === 'stream' ? this.#source(now) : wanted
    this.#isProbing = EDITS.includes(step) && this.hasEdits && this.#isLive()
    this.#progress.ask()
    this.#name = step
    this.#doubt = doubt
    this.patience.begin(now)
    return this.#command(++this.#run)
  }

  /**
   * The step after the wait, or after the time in which nobody looked.
   *
   * @param {number} now
   * @returns {Command}
   */
  goOn(now) {
    return this.enter(this.#name === 'pause' ? 'stream' : this.#resume, now)
  }

  /**
   * The stream is silent, or was refused: a poll finds out whether only the stream fails.
   *
   * @param {Doubt} why
   * @param {number} now
   */
  doubtStream(why, now) {
    const command = this.enter('poll', now, why)
    if (!this.#fallback.polls) this.#isProbing = false
    return command
  }

  /**
   * Wait for the next poll.
   *
   * @param {number} now
   * @returns {Command}
   */
  pause(now) {
    this.#name = 'pause'
    this.#dueAt = now + this.#fallback.pauseMs(this.patience.ranMs(now))
    return { do: 'wait', run: ++this.#run }
  }

  /** @returns {Command} */
  rest() {
    this.#resume = this.resumption
    this.#name = 'resting'
    return { do: 'rest', run: ++this.#run }
  }

  /**
   * @param {Resumption} resume
   * @param {number} now
   * @param {End & { calm?: boolean }} [how]  `calm`: nothing is wrong
   * @returns {Command}
   */
  wait(resume, now, { retryAfterMs = 0, failed = false, calm = false } = {}) {
    const delayMs = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) + this.#backOff.failed(failed, now)
    this.#isCalm = (calm || this.#image.isReload) && this.#backOff.attempts === 1
    this.#resume = resume
    this.#dueAt = now + (this.#presence.isOffline ? CAP_MS : delayMs)
    this.#name = 'waiting'
    return { do: 'wait', run: ++this.#run }
  }

  /**
   * The present source of edits.
   * @param {number} now
   */
  #source(now) {
    if (this.follows) return 'follow'
    return this.#fallback.pollsAt(now) ? 'poll' : 'stream'
  }

  /**
   * @param {number} run
   * @returns {Command}
   */
  #command(run) {
    const [version, log] = [this.#progress.version, /** @type {string} */ (this.#progress.log)]
    if (this.#name === 'info') return { do: 'info', run }
    if (this.#name === 'image') return { do: 'image', run, query: this.#image.query }
    if (this.#name === 'follow') return { do: 'follow', run }
    if (this.#name === 'stream') return { do: 'stream', run, version, log }
    return { do: 'poll', run, version, log, waitSeconds: this.waitSeconds }
  }
}
