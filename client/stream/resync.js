/**
 * When to load what: the state machine that keeps the page equal to the server's canvas. No I/O, no clock, no chance of
 * its own: events and times go in, at most one command comes out, and the newest command replaces whatever still runs.
 * It is long because a state machine is read as one: what its states are made of is in the files that it imports.
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
 * The goal is the server's version, which info and the stream's `event: status` tell. How long to wait is told in
 * `back_off.js`; being seen again ends it, and so does the browser's word that there is a network. While the browser says
 * that there is none, one attempt in half a minute finds out whether it is wrong.
 *
 * Invariants: the version shown only grows, except when the server says reload. After a reload no stream is opened
 * before a new image is loaded. Results carry the run number of their command; those of an older run are ignored. Frames
 * of another tab are of our log and begin no later than at our version.
 *
 * Pure. Times are milliseconds since the epoch: unlike performance.now() that clock goes on in sleep, and a jump costs little.
 */

import { BackOff, CAP_MS } from './back_off.js'
import { Fallback } from './fallback.js'
import { Following, isLive } from './following.js'
import { Presence } from './presence.js'
import { Progress } from './progress.js'

/** @typedef {import('./commands.js').Command} Command */
/** @typedef {import('./commands.js').Connection} Connection */
/** @typedef {import('./commands.js').End} End */
/** @typedef {import('./commands.js').Lead} Lead */
/** @typedef {import('./commands.js').Status} Status */
/** @typedef {import('./commands.js').Step} Step */

export const INFO_TIMEOUT_MS = 15_000
export const IMAGE_TIMEOUT_MS = 60_000 // 250 KB on a slow phone link take a quarter of it
export const OPEN_TIMEOUT_MS = 15_000
export const SILENCE_MS = 40_000 // the server sends at least a status every 15 s: two may be lost
export const PROBE_MS = 4_000 // for a stream's first byte, or info, once there is a canvas; doubled each time it is too short
const WAKE_SILENCE_MS = 5_000 // on waking up, so much silence is enough to look: it costs one request
const HEALTHY_MS = 5_000 // a stream that lasts this long has earned a fresh back-off
const MAX_RETRY_AFTER_MS = 60_000

/** Refusals that say nothing of whether a poll would be refused, too; the others say that the server is away. */
const MAY_POLL = ['full', 'refused', 'failed', 'too-large', 'misdirected']
/** The steps in which edits come, or are about to: which one it is, is `#source`'s choice. */
const EDITS = ['stream', 'poll', 'pause', 'follow', 'delta']
const REQUESTS = ['info', 'image', 'stream', 'poll', 'delta']

export class Resync {
  #backOff
  #fallback
  #following = new Following()
  #presence = new Presence()
  #progress = new Progress()
  #run = 0
  #step = /** @type {Step} */ ('info')
  #resume = /** @type {'info' | 'image' | 'stream'} */ ('info') // after waiting or resting
  #startedAt = 0 // of the step
  #heardAt = 0 // the last byte of the stream, or its request
  #openedAt = /** @type {number | null} */ (null)
  #dueAt = 0
  #timeouts = 0
  #follows = false
  #probing = false // what was live is looked after, or asked once more
  #doubt = /** @type {'silent' | 'refused' | null} */ (null) // why this poll is in a stream's place
  #reloading = false
  #calm = false // waiting, and nothing is wrong
  #refusal = /** @type {import('./refusals.js').Refusal | null} */ (null)
  #imageQuery = ''
  #infoLog = ''

  /** @param {() => number} [random]  0 <= random() < 1 */
  constructor(random = Math.random) {
    this.#backOff = new BackOff(random)
    this.#fallback = new Fallback(random)
  }

  /** The version of the canvas shown; -1 before the first. */
  get version() {
    return this.#progress.version
  }

  /** The log id of the canvas shown; null before the first. */
  get log() {
    return this.#progress.log
  }

  /** How many versions the canvas is behind, as far as is known. */
  get lag() {
    return this.#progress.lag
  }

  /** Who watches, as the server told last; null before the first time. */
  get viewers() {
    return this.#progress.viewers
  }

  /** Why the server, or a proxy, doesn't let us; null when that isn't what is wrong. */
  get refusal() {
    return this.#isFollowing ? (this.#following.lead?.refusal ?? null) : this.#refusal
  }

  /** Whether edits come by asking again and again. */
  get polls() {
    return this.#isFollowing ? (this.#following.lead?.polls ?? false) : this.#fallback.polls
  }

  /** Whether the stream is ours, or will be: no other tab has it. */
  get leads() {
    return !this.#follows && this.log !== null && this.#step !== 'resting'
  }

  /** Whether another tab has the stream, and its frames may be what comes next. */
  get awaitsShared() {
    return this.#isFollowing
  }

  /**
   * What to tell people. The first wait after a reload is part of catching up: the server is there. A live stream that
   * is looked after stays live until nobody answers.
   *
   * @returns {Connection}
   */
  get connection() {
    const { isCaughtUp, log, writable } = this.#progress
    if (this.#presence.isOffline) return 'offline'
    if (this.#isFollowing) return this.#following.connection({ isCaughtUp, isProbing: this.#probing })
    if (this.#refusal || (this.#step === 'waiting' && !this.#calm)) return 'offline'
    if (log === null) return 'connecting'
    const isOpen = this.#step === 'pause' || this.#openedAt !== null
    const live = EDITS.includes(this.#step) && (isOpen ? isCaughtUp : this.#probing)
    if (!live) return 'catching-up'
    return writable ? 'live' : 'read-only'
  }

  /**
   * Milliseconds until the next attempt; 0 unless waiting.
   * @param {number} now
   */
  retryInMs(now) {
    const dueAt = this.#isFollowing ? (this.#following.lead?.retryAt ?? 0) : this.#step === 'waiting' ? this.#dueAt : 0
    return Math.max(0, dueAt - now)
  }

  /**
   * How we stand, for the tabs that follow this one.
   * @returns {Lead}
   */
  get standing() {
    const { connection, log, version, viewers, refusal, polls } = this
    return { connection, log, version, viewers, retryAt: this.#step === 'waiting' ? this.#dueAt : 0, refusal, polls }
  }

  /**
   * Whether edits are known to come here, and not only hoped for: of two tabs that have the stream, that one is to keep it.
   * @param {number} now
   */
  isSound(now) {
    if (!isLive(this.connection) || this.#isFollowing) return false
    return this.#step !== 'stream' || (this.#openedAt !== null && now - this.#heardAt < SILENCE_MS / 2)
  }

  /**
   * @param {number} now
   * @returns {Command}
   */
  start(now) {
    return this.#presence.isSeen ? this.#enter('info', now) : this.#rest()
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
    if (run !== this.#run) return null
    this.#answered(now)
    this.#infoLog = info.log
    this.#progress.goal = info.version
    if (this.log === info.log && !this.#reloading) return this.#enter('stream', now)
    if (this.log !== null || this.#backOff.attempts > 0) this.#imageQuery = `?v=${info.version}&try=${this.#backOff.attempts}`
    return this.#enter('image', now)
  }

  /**
   * An image was loaded. If `version` is its version then, show it before the command is obeyed.
   *
   * @param {number} run
   * @param {{ log: string, version: number }} image
   * @param {number} now
   * @returns {Command | null}
   */
  gotImage(run, image, now) {
    if (run !== this.#run) return null
    this.#answered(now)
    // A cache, or another server behind the same address, may still hold the old log's picture, or have the newer one.
    if (image.log !== this.#infoLog) return this.#wait('info', now)
    if (this.#reloading || image.log !== this.log || image.version > this.version) {
      this.#progress.log = image.log
      this.#progress.version = image.version
    }
    this.#reloading = false
    this.#imageQuery = ''
    return this.#enter('stream', now)
  }

  /**
   * Bytes of the stream or the poll arrived, be it only a comment.
   *
   * @param {number} run
   * @param {number} now
   */
  heard(run, now) {
    if (run !== this.#run) return
    this.#answered(now)
    this.#refusal = null
    this.#heardAt = now
    if (this.#openedAt === null) {
      this.#openedAt = now
      this.#progress.compare()
      if (this.#step === 'stream') this.#fallback.healed()
    }
    if (now - this.#openedAt >= HEALTHY_MS) this.#backOff.reset()
  }

  /**
   * The server told how it stands: at the stream's beginning, and now and then.
   *
   * @param {number} run
   * @param {Status} status
   * @returns {boolean}  false: it is of a stream that was given up
   */
  gotStatus(run, status) {
    if (run !== this.#run) return false
    this.#progress.status(status, this.#step === 'poll' && this.#probing)
    return true
  }

  /**
   * A frame of edits arrived. True: apply it. False: it is a duplicate, or of a stream that was given up.
   *
   * @param {number} run
   * @param {number} version  the version after the frame
   */
  gotFrame(run, version) {
    if (run !== this.#run || !this.#progress.reach(version)) return false
    this.#backOff.reset()
    return true
  }

  /**
   * A frame came of the tab that has the stream. True: apply it. False: it doesn't go on from our canvas, or has nothing new.
   *
   * @param {{ log: string, from: number, to: number }} frame  it has all edits from one version to the other
   * @param {number} now
   */
  gotShared({ log, from, to }, now) {
    if (!this.#isFollowing || log !== this.log || from > this.version || !this.#progress.reach(to)) return false
    this.#heardAt = now
    return true
  }

  /**
   * The server can't go on from our version.
   *
   * @param {number} run
   * @param {{ v: number, log: string, hasGrown?: boolean }} reload  the server's version and log, and whether its canvas
   *   has another size or palette now, which info tells
   * @param {number} now
   * @returns {Command | null}
   */
  gotReload(run, reload, now) {
    if (run !== this.#run) return null
    this.#answered(now)
    this.#reloading = true
    this.#refusal = null
    this.#progress.goal = reload.v
    this.#imageQuery = `?v=${reload.v}&try=${this.#backOff.attempts}`
    return this.#wait(reload.log === this.#infoLog && !reload.hasGrown ? 'image' : 'info', now, { calm: true })
  }

  /**
   * The server's wish for the time before a reconnection.
   * @param {number} retryMs
   */
  gotRetry(retryMs) {
    this.#backOff.wish(retryMs)
  }

  /**
   * Another tab of this browser has the stream, or none has.
   *
   * @param {boolean} follows
   * @param {number} now
   * @returns {Command | null}
   */
  follow(follows, now) {
    if (follows === this.#follows) return null
    this.#follows = follows
    this.#refusal = null
    const waits = this.#step === 'waiting' && this.#resume === 'stream'
    const command = EDITS.includes(this.#step) || (follows && waits) ? this.#enter('stream', now) : null
    this.#following.reset()
    return command
  }

  /**
   * The tab that has the stream told how it stands. What it has sent before is here: what is missing is lost.
   *
   * @param {Lead} lead
   * @param {number} now
   * @returns {Command | null}
   */
  gotLead(lead, now) {
    if (!this.#isFollowing) return null
    this.#following.lead = lead
    this.#heardAt = now
    this.#progress.viewers = lead.viewers
    if (!this.#following.isLive) return null
    this.#answered(now)
    if (this.#step === 'delta') return null
    if (lead.log !== this.log) return this.#wait('info', now, { calm: true }) // one of us has an old one
    this.#progress.goal = lead.version
    this.#progress.compare()
    if (!this.#progress.isCaughtUp || this.#following.isLost(this.version, now)) return this.#enter('delta', now)
    this.#probing = false
    this.#backOff.reset()
    return null
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
    if (run !== this.#run || !REQUESTS.includes(this.#step)) return null
    const { refused = null, failed = false } = how
    if (refused) this.#answered(now)
    const unopened = this.#openedAt === null
    if (refused?.isFar && this.log !== null) return this.#skip(now)
    const polled = this.#step === 'poll' || this.#step === 'delta'
    if (polled && !refused && !failed && !unopened) return this.#polled(now)
    if (this.#step === 'stream' && unopened && !failed && (!refused || MAY_POLL.includes(refused.kind))) {
      return this.#doubtStream(refused ? 'refused' : 'silent', now)
    }
    if (this.#waitSeconds) this.#fallback.shorten()
    this.#refusal = refused
    if (refused?.kind === 'full' && this.log !== null && !this.#reloading) this.#imageQuery = `?v=${this.#progress.goal}`
    const resume = refused ? (refused.kind === 'full' && this.#step !== 'info' ? 'image' : 'info') : this.#resumption
    return this.#wait(resume, now, how)
  }

  /**
   * Time passes; call this a few times a second.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  tick(now) {
    const slept = this.#presence.tick(now)
    if (this.#step === 'resting') return null
    if (this.#presence.isAway(now)) return this.#rest()
    const woken = slept ? this.wake(now) : null
    if (woken) return woken
    if (this.#step === 'waiting' || this.#step === 'pause') {
      // More than any back-off ahead: the clock was set back.
      const due = now >= this.#dueAt || this.#dueAt - now > CAP_MS + MAX_RETRY_AFTER_MS
      return due ? this.#enter(this.#step === 'pause' ? 'stream' : this.#resume, now) : null
    }
    if (now < this.#startedAt) this.#startedAt = now
    if (now < this.#heardAt) this.#heardAt = now
    if (!this.#overdue(now)) return null
    if (this.#step === 'stream' && this.#openedAt === null) return this.#doubtStream('silent', now)
    this.#timeouts += 1
    if (this.#waitSeconds) this.#fallback.shorten()
    return this.#wait(this.#resumption, now, { failed: true })
  }

  /**
   * Somebody asked, or there is a reason to doubt the stream: look now.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  probe(now) {
    this.#timeouts = 0
    this.#backOff.reset()
    if (this.#step === 'waiting') return this.#enter(this.#resume, now)
    if (this.#isFollowing) return this.#enter('delta', now)
    return EDITS.includes(this.#step) ? this.#enter('stream', now) : null
  }

  /**
   * The page or the machine slept, or the network is another one.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  wake(now) {
    if (this.#step === 'waiting') return this.#presence.isOffline ? null : this.probe(now)
    return EDITS.includes(this.#step) && now - this.#heardAt > WAKE_SILENCE_MS ? this.probe(now) : null
  }

  /**
   * Somebody looks at the page, or nobody does any more.
   *
   * @param {boolean} visible
   * @param {number} now
   * @returns {Command | null}
   */
  seen(visible, now) {
    this.#presence.seen(visible, now)
    if (!visible) return null
    if (this.#step !== 'resting') return this.wake(now)
    this.#timeouts = 0
    this.#backOff.reset()
    return this.#enter(this.#resume, now)
  }

  /**
   * The browser is about to stop the page, or to keep it for later: nothing is to be open then.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  freeze(now) {
    this.#presence.seen(false, now)
    return this.#step === 'resting' ? null : this.#rest()
  }

  /**
   * What the browser says of the network. Its no is believed until somebody answers, as a server on this machine does.
   *
   * @param {boolean} online
   * @param {number} now
   * @returns {Command | null}
   */
  network(online, now) {
    if (!this.#presence.network(online, now)) return null
    this.#fallback.forget()
    if (!online) {
      if (this.#step === 'waiting') this.#dueAt = Math.max(this.#dueAt, now + CAP_MS)
      return null
    }
    const command = this.#step === 'info' || this.#step === 'image' ? this.#enter(this.#step, now) : this.probe(now)
    this.#probing = false
    return command
  }

  get #isFollowing() {
    return this.#step === 'follow' || this.#step === 'delta'
  }

  /** What a step that failed is to be tried again by. */
  get #resumption() {
    if (this.#step === 'waiting') return this.#resume
    return this.#step === 'info' || this.#step === 'image' ? this.#step : 'stream'
  }

  /**
   * Somebody is there.
   * @param {number} now
   */
  #answered(now) {
    this.#timeouts = 0
    this.#presence.answered(now)
  }

  /**
   * The stream says nothing, or was refused: a poll tells whether it is the stream alone.
   *
   * @param {'silent' | 'refused'} why
   * @param {number} now
   */
  #doubtStream(why, now) {
    const command = this.#enter('poll', now, why)
    if (!this.#fallback.polls) this.#probing = false
    return command
  }

  /**
   * What is missing is more than the server gives as edits just now: an image has it.
   * @param {number} now
   */
  #skip(now) {
    this.#imageQuery = `?v=${this.#progress.goal}`
    return this.#wait('image', now, { calm: true })
  }

  /**
   * A poll brought what there was.
   *
   * @param {number} now
   * @returns {Command}
   */
  #polled(now) {
    this.#backOff.reset()
    this.#progress.compare()
    if (this.#doubt) this.#fallback.doubted(this.#doubt, now)
    if (!this.#progress.isCaughtUp && this.#progress.hasGrown) return this.#enter(this.#step, now) // an answer is bounded
    if (this.#step === 'delta') return this.#enter('follow', now)
    this.#step = 'pause'
    this.#dueAt = now + this.#fallback.pauseMs(now - this.#startedAt)
    return { do: 'wait', run: ++this.#run }
  }

  /** @param {number} now */
  #overdue(now) {
    const ran = now - this.#startedAt
    if (this.#step === 'follow') return false // it is for `tabs.js` to say when nobody leads any more
    if (this.#step === 'image') return ran > IMAGE_TIMEOUT_MS
    if (this.#openedAt !== null) return now - this.#heardAt > SILENCE_MS
    const limitMs = this.#step === 'info' ? INFO_TIMEOUT_MS : OPEN_TIMEOUT_MS
    const waitMs = this.#waitSeconds * 1000
    return ran > waitMs + (this.log === null ? limitMs : Math.min(limitMs, PROBE_MS * 2 ** this.#timeouts))
  }

  /** How long the running poll waits for news. */
  get #waitSeconds() {
    return this.#step === 'poll' && !this.#doubt ? this.#fallback.waitSeconds : 0
  }

  /** @returns {Command} */
  #rest() {
    this.#resume = this.#resumption
    this.#step = 'resting'
    return { do: 'rest', run: ++this.#run }
  }

  /**
   * @param {'info' | 'image' | 'stream'} resume
   * @param {number} now
   * @param {End & { calm?: boolean }} [how]  `calm`: nothing is wrong
   * @returns {Command}
   */
  #wait(resume, now, { retryAfterMs = 0, failed = false, calm = false } = {}) {
    const delayMs = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) + this.#backOff.failed(failed, now)
    this.#calm = (calm || this.#reloading) && this.#backOff.attempts === 1
    this.#resume = resume
    this.#dueAt = now + (this.#presence.isOffline ? CAP_MS : delayMs)
    this.#step = 'waiting'
    return { do: 'wait', run: ++this.#run }
  }

  /**
   * Where edits come from now.
   * @param {number} now
   */
  #source(now) {
    if (this.#follows) return 'follow'
    return this.#fallback.pollsAt(now) ? 'poll' : 'stream'
  }

  /**
   * @param {Step} wanted
   * @param {number} now
   * @param {'silent' | 'refused' | null} [doubt]
   * @returns {Command}
   */
  #enter(wanted, now, doubt = null) {
    const step = wanted === 'stream' ? this.#source(now) : wanted
    this.#probing = EDITS.includes(step) && EDITS.includes(this.#step) && isLive(this.connection)
    this.#progress.ask()
    this.#step = step
    this.#doubt = doubt
    this.#startedAt = now
    this.#heardAt = now
    this.#openedAt = null
    return this.#command(++this.#run)
  }

  /**
   * @param {number} run
   * @returns {Command}
   */
  #command(run) {
    const [version, log] = [this.version, /** @type {string} */ (this.log)]
    if (this.#step === 'info') return { do: 'info', run }
    if (this.#step === 'image') return { do: 'image', run, query: this.#imageQuery }
    if (this.#step === 'follow') return { do: 'follow', run }
    if (this.#step === 'stream') return { do: 'stream', run, version, log }
    return { do: 'poll', run, version, log, waitSeconds: this.#waitSeconds }
  }
}
