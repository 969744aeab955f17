/**
 * When to load what: the state machine that keeps the page equal to the server's canvas. No I/O, no clock, no chance of
 * its own: events and times go in, at most one command comes out, and the newest command replaces whatever still runs.
 *
 *     start ──► info ──► image ──► stream ◄─────────────┐
 *                ▲        ▲          │ ended, failed,   │
 *                │        │          │ silent: resume   │
 *                │        │          ▼ from our version │
 *                └────────┴────── waiting ──────────────┘
 *
 *     info    GET /info: which log, how far it is, what the canvas looks like
 *     image   GET /canvas.png: must be of the log that info named, or both are loaded anew
 *     stream  GET /edits from the canvas's version: catching up until the goal is reached, then live
 *     waiting until a random moment, then on with what was to be done
 *
 * The goal is the server's version, which info and the stream's `event: status` tell. How long to wait is told in
 * `back_off.js`; being seen again ends it, and so does the browser's word that there is a network. While the browser says
 * that there is none, one attempt in half a minute finds out whether it is wrong.
 *
 * Invariants: the version shown only grows, except when the server says reload. After a reload no stream is opened
 * before a new image is loaded. Results carry the run number of their command; those of an older run are ignored.
 *
 * Pure. Times are milliseconds since the epoch: unlike performance.now() that clock goes on in sleep, and a jump costs little.
 */

import { BackOff, CAP_MS, HIDDEN_CAP_MS } from './back_off.js'

/**
 * @typedef {{ do: 'info', run: number }} LoadInfo
 * @typedef {{ do: 'image', run: number, query: string }} LoadImage  `query` gets round caches; '' is the usual address
 * @typedef {{ do: 'stream', run: number, version: number, log: string }} FollowStream
 * @typedef {{ do: 'wait', run: number }} Wait  stop whatever runs
 * @typedef {LoadInfo | LoadImage | FollowStream | Wait} Command
 */

/** @typedef {'connecting' | 'catching-up' | 'live' | 'read-only' | 'offline'} Connection */

/**
 * How a command ended.
 * @typedef {object} End
 * @property {number} [retryAfterMs]  how long the server asked to wait
 * @property {boolean} [refused]  the server answered, but not to this request
 * @property {boolean} [failed]  nobody answered: the network failed
 */

/** @typedef {{ version: number, viewers: number, writable: boolean }} Status  what the server tells of itself */

export const INFO_TIMEOUT_MS = 15_000
export const IMAGE_TIMEOUT_MS = 60_000 // 250 KB on a slow phone link take a quarter of it
export const OPEN_TIMEOUT_MS = 15_000
export const SILENCE_MS = 40_000 // the server sends at least a status every 15 s: two may be lost
export const PROBE_MS = 4_000 // for a stream's first byte, or info, once there is a canvas; doubled each time it is too short
const WAKE_SILENCE_MS = 5_000 // on waking up, so much silence is enough to look: it costs one request
const SLEEP_MS = 5_000 // between two ticks of a page that is seen: the machine slept
const LATE_BYTES_MS = 1_000 // what was on its way when the network went
const HEALTHY_MS = 5_000 // a stream that lasts this long has earned a fresh back-off
const MAX_RETRY_AFTER_MS = 60_000

export class Resync {
  #backOff
  #run = 0
  #step = /** @type {'info' | 'image' | 'stream' | 'waiting'} */ ('info')
  #resume = /** @type {'info' | 'image' | 'stream'} */ ('info')
  #startedAt = 0 // of the step
  #heardAt = 0 // the last byte of the stream, or its request
  #openedAt = /** @type {number | null} */ (null)
  #dueAt = 0
  #timeouts = 0
  #tickedAt = /** @type {number | null} */ (null)
  #said = true // the browser's last word on whether there is a network
  #lostAt = /** @type {number | null} */ (null) // when it said no, until somebody answers all the same
  #probing = false // a live stream is replaced by another one
  #caughtUp = false
  #told = false // the stream has told its status
  #writable = true
  #viewers = /** @type {number | null} */ (null)
  #reloading = false
  #imageQuery = ''
  #infoLog = ''
  #log = /** @type {string | null} */ (null)
  #version = -1
  #goal = 0

  /** @param {() => number} [random]  0 <= random() < 1 */
  constructor(random = Math.random) {
    this.#backOff = new BackOff(random)
  }

  /** The version of the canvas shown; -1 before the first. */
  get version() {
    return this.#version
  }

  /** The log id of the canvas shown; null before the first. */
  get log() {
    return this.#log
  }

  /** How many versions the canvas is behind, as far as is known. */
  get lag() {
    return this.#log === null ? 0 : Math.max(0, this.#goal - this.#version)
  }

  /** Open streams of the server, as it told last; null before the first time. */
  get viewers() {
    return this.#viewers
  }

  /**
   * What to tell people. The first wait after a reload is part of catching up: the server is there. A live stream that
   * is looked after stays live until nobody answers.
   *
   * @returns {Connection}
   */
  get connection() {
    if (this.#lostAt !== null) return 'offline'
    if (this.#step === 'waiting' && !(this.#reloading && this.#backOff.attempts === 1)) return 'offline'
    if (this.#log === null) return 'connecting'
    const live = this.#step === 'stream' && (this.#openedAt === null ? this.#probing : this.#caughtUp)
    if (!live) return 'catching-up'
    return this.#writable ? 'live' : 'read-only'
  }

  /**
   * Milliseconds until the next attempt; 0 unless waiting.
   * @param {number} now
   */
  retryInMs(now) {
    return this.#step === 'waiting' ? Math.max(0, this.#dueAt - now) : 0
  }

  /**
   * @param {number} now
   * @returns {Command}
   */
  start(now) {
    return this.#enter('info', now)
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
    this.#goal = info.version
    if (this.#log === info.log && !this.#reloading) return this.#enter('stream', now)
    if (this.#log !== null || this.#backOff.attempts > 0) this.#imageQuery = `?v=${info.version}&try=${this.#backOff.attempts}`
    return this.#enter('image', now)
  }

  /**
   * An image was loaded. If the answer is a stream, it begins at the image's version: show the image first.
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
    this.#log = image.log
    this.#version = image.version
    this.#reloading = false
    this.#imageQuery = ''
    return this.#enter('stream', now)
  }

  /**
   * Bytes of the stream arrived, be it only a comment.
   *
   * @param {number} run
   * @param {number} now
   */
  heard(run, now) {
    if (run !== this.#run) return
    this.#answered(now)
    this.#heardAt = now
    if (this.#openedAt === null) {
      this.#openedAt = now
      this.#caughtUp = this.#version >= this.#goal
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
  gotStatus(run, { version, viewers, writable }) {
    if (run !== this.#run) return false
    // What comes later may be ahead of edits that are on their way, for a moment: it counts when the next one comes.
    const late = !this.#told || this.#version < this.#goal
    this.#told = true
    this.#goal = version
    this.#viewers = viewers
    this.#writable = writable
    if (this.#version >= version) this.#caughtUp = true
    else if (late) this.#caughtUp = false
    return true
  }

  /**
   * A frame of edits arrived. True: apply it. False: it is a duplicate, or of a stream that was given up.
   *
   * @param {number} run
   * @param {number} version  the version after the frame
   */
  gotFrame(run, version) {
    if (run !== this.#run || version <= this.#version) return false
    this.#version = version
    if (version >= this.#goal) this.#caughtUp = true
    this.#backOff.reset()
    return true
  }

  /**
   * The server can't go on from our version.
   *
   * @param {number} run
   * @param {{ v: number, log: string }} reload  the server's version and log
   * @param {number} now
   * @returns {Command | null}
   */
  gotReload(run, reload, now) {
    if (run !== this.#run) return null
    this.#answered(now)
    this.#reloading = true
    this.#goal = reload.v
    this.#imageQuery = `?v=${reload.v}&try=${this.#backOff.attempts}`
    return this.#wait(reload.log === this.#infoLog ? 'image' : 'info', now)
  }

  /**
   * The server's wish for the time before a reconnection.
   * @param {number} retryMs
   */
  gotRetry(retryMs) {
    this.#backOff.wish(retryMs)
  }

  /**
   * The running command ended: a request failed, or the stream is over.
   *
   * @param {number} run
   * @param {End} how
   * @param {number} now
   * @returns {Command | null}
   */
  ended(run, how, now) {
    if (run !== this.#run || this.#step === 'waiting') return null
    if (how.refused) this.#answered(now)
    return this.#wait(how.refused ? 'info' : this.#step, now, how)
  }

  /**
   * Time passes; call this a few times a second.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  tick(now) {
    const slept = this.#tickedAt !== null && now - this.#tickedAt > SLEEP_MS
    this.#tickedAt = now
    if (slept && this.#backOff.visible) {
      const command = this.wake(now)
      if (command) return command
    }
    if (this.#step === 'waiting') {
      // More than any back-off ahead: the clock was set back.
      const due = now >= this.#dueAt || this.#dueAt - now > HIDDEN_CAP_MS + MAX_RETRY_AFTER_MS
      return due ? this.#enter(this.#resume, now) : null
    }
    if (now < this.#startedAt) this.#startedAt = now
    if (now < this.#heardAt) this.#heardAt = now
    if (!this.#overdue(now)) return null
    this.#timeouts += 1
    return this.#wait(this.#step, now, { failed: true })
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
    return this.#step === 'stream' ? this.#enter('stream', now) : null
  }

  /**
   * The page or the machine slept, or the network is another one.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  wake(now) {
    if (this.#step === 'waiting') return this.#lostAt === null ? this.probe(now) : null
    return this.#step === 'stream' && now - this.#heardAt > WAKE_SILENCE_MS ? this.probe(now) : null
  }

  /**
   * Somebody looks at the page, or nobody does any more.
   *
   * @param {boolean} visible
   * @param {number} now
   * @returns {Command | null}
   */
  seen(visible, now) {
    this.#backOff.visible = visible
    return visible ? this.wake(now) : null
  }

  /**
   * What the browser says of the network. Its no is believed until somebody answers, as a server on this machine does.
   *
   * @param {boolean} online
   * @param {number} now
   * @returns {Command | null}
   */
  network(online, now) {
    if (online === this.#said) return null
    this.#said = online
    if (!online) {
      this.#lostAt = now
      if (this.#step === 'waiting') this.#dueAt = Math.max(this.#dueAt, now + CAP_MS)
      return null
    }
    this.#lostAt = null
    const command = this.#step === 'info' || this.#step === 'image' ? this.#enter(this.#step, now) : this.probe(now)
    this.#probing = false
    return command
  }

  /**
   * Somebody is there.
   * @param {number} now
   */
  #answered(now) {
    this.#timeouts = 0
    if (this.#lostAt !== null && now - this.#lostAt > LATE_BYTES_MS) this.#lostAt = null
  }

  /** @param {number} now */
  #overdue(now) {
    const ran = now - this.#startedAt
    if (this.#step === 'image') return ran > IMAGE_TIMEOUT_MS
    if (this.#step === 'stream' && this.#openedAt !== null) return now - this.#heardAt > SILENCE_MS
    const limitMs = this.#step === 'info' ? INFO_TIMEOUT_MS : OPEN_TIMEOUT_MS
    return ran > (this.#log === null ? limitMs : Math.min(limitMs, PROBE_MS * 2 ** this.#timeouts))
  }

  /**
   * @param {'info' | 'image' | 'stream' | 'waiting'} resume
   * @param {number} now
   * @param {End} [how]
   * @returns {Command}
   */
  #wait(resume, now, { retryAfterMs = 0, failed = false } = {}) {
    const delayMs = Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) + this.#backOff.failed(failed, now)
    this.#resume = resume === 'waiting' ? this.#resume : resume
    this.#dueAt = now + (this.#lostAt === null ? delayMs : CAP_MS)
    this.#step = 'waiting'
    return { do: 'wait', run: ++this.#run }
  }

  /**
   * @param {'info' | 'image' | 'stream'} step
   * @param {number} now
   * @returns {Command}
   */
  #enter(step, now) {
    const was = this.connection
    this.#probing = step === 'stream' && this.#step === 'stream' && (was === 'live' || was === 'read-only')
    this.#told = false
    this.#step = step
    this.#startedAt = now
    this.#heardAt = now
    this.#openedAt = null
    const run = ++this.#run
    if (step === 'info') return { do: 'info', run }
    if (step === 'image') return { do: 'image', run, query: this.#imageQuery }
    return { do: 'stream', run, version: this.#version, log: /** @type {string} */ (this.#log) }
  }
}
