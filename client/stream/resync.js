/**
 * When to load what: the state machine that keeps the page equal to the server's canvas. No I/O, no clock, no chance of its
 * own: events and times go in, at most one command comes out, and the newest command replaces the one that still runs. This
 * file has its events; `steps.js` has the running step, `standing.js` the state that people see.
 *
 *     start ──► info ──► image ──► stream, poll or follow ◄──┐
 *                ▲        ▲          │ ended, failed,        │
 *                │        │          │ silent: resume        │
 *                │        │          ▼ from our version      │
 *                └────────┴────── waiting ───────────────────┘
 *
 *     info    GET /info: which log, how far it is, what the canvas looks like
 *     image   GET /canvas.png: must be of the log that info named, or both are loaded anew
 *     stream  GET /edits from the canvas's version: catching up until the goal is reached, then live
 *     poll    the same as an answer that ends, with a pause after it, where the stream doesn't come through (`fallback.js`).
 *             A stream that says nothing is followed by one poll, which finds out whether the network is to blame
 *     follow  another tab of this browser has the stream and passes on what it brings (`tabs.js`); a gap is made up for by
 *             a poll of the page's own, the delta
 *     waiting until a random moment, then on with what was to be done
 *     resting nobody has looked at the page for a moment: nothing is asked until somebody does
 *
 * The goal is the server's version, which info and the stream's `event: status` name. `back_off.js` decides how long to
 * wait; the wait ends when somebody sees the page again, or the browser reports a network. While the browser says that there
 * is none, one attempt in half a minute finds out whether it is wrong. If the stream goes on all the same, the page opens a
 * new one at once, since a browser may leave it open and let nothing new through.
 *
 * Invariants: the version shown only grows, except when the server says reload. After a reload no stream is opened
 * before a new image is loaded. Results carry the run number of their command; those of an older run are ignored. Frames
 * of another tab are of our log and begin no later than at our version.
 *
 * Pure. Times are milliseconds since the epoch: unlike performance.now() that clock goes on in sleep, and a jump costs little.
 */

import { Attention } from './attention.js'
import { BackOff } from './back_off.js'
import { Fallback } from './fallback.js'
import { Following, isLive } from './following.js'
import { OtherTab } from './other_tab.js'
import { Presence } from './presence.js'
import { Progress } from './progress.js'
import { Standing } from './standing.js'
import { Steps } from './steps.js'
import { WantedImage } from './wanted_image.js'

/** @typedef {import('./commands.js').Command} Command */
/** @typedef {import('./commands.js').End} End */
/** @typedef {import('./commands.js').Status} Status */

/** Refusals of a stream after which a poll may still work; the others say that the server is away. */
const MAY_POLL = ['full', 'refused', 'failed', 'too-large', 'misdirected']

export class Resync {
  /** The state to show to people, and to tell the tabs that follow this one. */
  standing

  /** The browser's reports. */
  attention

  /** Another tab of this browser that has the stream. */
  otherTab

  #backOff
  #fallback
  #image = new WantedImage()
  #presence = new Presence()
  #progress = new Progress()
  #steps

  /** @param {() => number} [random]  0 <= random() < 1 */
  constructor(random = Math.random) {
    const backOff = (this.#backOff = new BackOff(random))
    const fallback = (this.#fallback = new Fallback(random))
    const [image, presence, progress] = [this.#image, this.#presence, this.#progress]
    const parts = { backOff, fallback, following: new Following(), image, presence, progress }
    const steps = (this.#steps = new Steps({ ...parts, isLive: () => isLive(this.standing.connection) }))
    this.standing = new Standing({ ...parts, steps })
    this.attention = new Attention({ ...parts, steps })
    this.otherTab = new OtherTab({ ...parts, standing: this.standing, steps })
  }

  /** The version of the canvas shown; -1 before the first. */
  get version() {
    return this.#progress.version
  }

  /** The log id of the canvas shown; null before the first. */
  get log() {
    return this.#progress.log
  }

  /** How many versions the canvas is known to be behind. */
  get lag() {
    return this.#progress.lag
  }

  /** The number of viewers that the server named last; null before the first time. */
  /** The host's notices to everybody, from the stream; null before the first. */
  get notices() {
    return this.#progress.notices
  }

  get viewers() {
    return this.#progress.viewers
  }

  /** Whether the stream is ours, or will be: no other tab has it. */
  get leads() {
    return !this.#steps.follows && this.log !== null && this.#steps.name !== 'resting'
  }

  /**
   * @param {number} now
   * @returns {Command}
   */
  start(now) {
    return this.#presence.isSeen ? this.#steps.enter('info', now) : this.#steps.rest()
  }

  /**
   * The answer to `GET /info`.
   *
   * @param {number} run
   * @param {{ log: string, version: number }} info
   * @param {number} now
   * @returns {Command | null}
   */
  gotInfo(run, info, now) {
    if (!this.#steps.isOf(run)) return null
    this.#steps.answered(now)
    this.#image.log = info.log
    this.#progress.goal = info.version
    if (this.log === info.log && !this.#image.isReload) return this.#steps.enter('stream', now)
    if (this.log !== null || this.#backOff.attempts > 0) this.#image.from(info.version, this.#backOff.attempts)
    return this.#steps.enter('image', now)
  }

  /**
   * An image was loaded. If `version` is its version then, show the image before obeying the command.
   *
   * @param {number} run
   * @param {{ log: string, version: number }} image
   * @param {number} now
   * @returns {Command | null}
   */
  gotImage(run, image, now) {
    if (!this.#steps.isOf(run)) return null
    this.#steps.answered(now)
    // A cache, or another server behind the same address, may still hold the old log's picture, or have the newer one.
    if (image.log !== this.#image.log) return this.#steps.wait('info', now)
    if (this.#image.isReload || image.log !== this.log || image.version > this.version) {
      this.#progress.log = image.log
      this.#progress.version = image.version
    }
    this.#image.loaded()
    return this.#steps.enter('stream', now)
  }

  /**
   * Bytes of the stream or the poll arrived, be it only a comment.
   *
   * @param {number} run
   * @param {number} now
   */
  heard(run, now) {
    if (!this.#steps.isOf(run)) return
    const { name, patience } = this.#steps
    this.#steps.answered(now)
    this.standing.refuse(null)
    patience.heard(now)
    if (!patience.isOpen) {
      patience.open(now)
      this.#progress.compare()
      if (name === 'stream') this.#fallback.healed()
    }
    if (patience.isHealthy(now)) this.#backOff.reset()
  }

  /**
   * The server told its state: at the stream's beginning, and now and then.
   *
   * @param {number} run
   * @param {Status} status
   * @returns {boolean}  false: it is of a stream that was given up
   */
  gotStatus(run, status) {
    if (!this.#steps.isOf(run)) return false
    this.#progress.status(status, this.#steps.name === 'poll' && this.#steps.isProbing)
    return true
  }

  /**
   * A frame of edits arrived. True: apply it. False: it is a duplicate, or of a stream that was given up.
   *
   * @param {number} run
   * @param {number} version  the version after the frame
   */
  gotFrame(run, version) {
    if (!this.#steps.isOf(run) || !this.#progress.reach(version)) return false
    this.#backOff.reset()
    return true
  }

  /**
   * The server can't go on from our version.
   *
   * @param {number} run
   * @param {{ v: number, log: string, hasGrown?: boolean }} reload  the server's version and log, and whether its canvas has
   *   another size or palette now, which info has
   * @param {number} now
   * @returns {Command | null}
   */
  gotReload(run, reload, now) {
    if (!this.#steps.isOf(run)) return null
    this.#steps.answered(now)
    this.standing.refuse(null)
    this.#progress.goal = reload.v
    this.#image.reload(reload.v, this.#backOff.attempts)
    return this.#steps.wait(reload.log === this.#image.log && !reload.hasGrown ? 'image' : 'info', now, { calm: true })
  }

  /**
   * The time that the server asks for before a reconnection.
   * @param {number} retryMs
   */
  gotRetry(retryMs) {
    this.#backOff.wish(retryMs)
  }

  /**
   * The running command ended: a request failed, a poll is over, or the stream is.
   *
   * @param {number} run
   * @param {End} how
   * @param {number} now
   * @returns {Command | null}
   */
  ended(run, how, now) {
    if (!this.#steps.isRequest(run)) return null
    const { refused = null, failed = false } = how
    if (refused) this.#steps.answered(now)
    const unopened = !this.#steps.patience.isOpen
    if (refused?.isFar && this.log !== null) return this.#skip(now)
    const { name } = this.#steps
    const polled = name === 'poll' || name === 'delta'
    if (polled && !refused && !failed && !unopened) return this.#polled(now)
    if (name === 'stream' && unopened && !failed && (!refused || MAY_POLL.includes(refused.kind))) {
      return this.#steps.doubtStream(refused ? 'refused' : 'silent', now)
    }
    if (this.#steps.waitSeconds) this.#fallback.shorten()
    this.standing.refuse(refused)
    if (refused?.kind === 'full' && this.log !== null && !this.#image.isReload) this.#image.from(this.#progress.goal)
    const isFull = refused?.kind === 'full' && name !== 'info'
    const resume = refused ? (isFull ? 'image' : 'info') : this.#steps.resumption
    return this.#steps.wait(resume, now, how)
  }

  /**
   * Time passes; call this a few times a second.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  tick(now) {
    const { name, patience } = this.#steps
    const slept = this.#presence.tick(now)
    if (name === 'resting') return null
    if (this.#presence.isAway(now)) return this.#steps.rest()
    const woken = slept ? this.attention.wake(now) : null
    if (woken) return woken
    if (name === 'waiting' || name === 'pause') return this.#steps.isDue(now) ? this.#steps.goOn(now) : null
    patience.agree(now)
    const { lostAt } = this.#presence
    if (name === 'stream' && lostAt !== null && patience.outlasts(lostAt)) return this.attention.probe(now)
    if (!this.#steps.isOverdue(now)) return null
    if (name === 'stream' && !patience.isOpen) return this.#steps.doubtStream('silent', now)
    patience.timedOut()
    if (this.#steps.waitSeconds) this.#fallback.shorten()
    return this.#steps.wait(this.#steps.resumption, now, { failed: true })
  }

  /**
   * The page lacks more edits than the server gives at the moment: an image has them.
   * @param {number} now
   */
  #skip(now) {
    this.#image.from(this.#progress.goal)
    return this.#steps.wait('image', now, { calm: true })
  }

  /**
   * A poll has ended.
   *
   * @param {number} now
   * @returns {Command}
   */
  #polled(now) {
    const { doubt, name } = this.#steps
    this.#backOff.reset()
    this.#progress.compare()
    if (doubt) this.#fallback.doubted(doubt, now)
    if (!this.#progress.isCaughtUp && this.#progress.hasGrown) return this.#steps.enter(name, now) // an answer is bounded
    return name === 'delta' ? this.#steps.enter('follow', now) : this.#steps.pause(now)
  }
}
