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
 *     waiting until a random moment (back-off with full jitter: a server that restarts meets its pages spread over
 *             seconds), then on with what was to be done
 *
 * Invariants: the version shown only grows, except when the server says reload. After a reload no stream is opened
 * before a new image is loaded. Results carry the run number of their command; those of an older run are ignored.
 *
 * Pure; imports nothing. Times are milliseconds since the epoch: unlike performance.now(), the wall clock goes on
 * while the machine sleeps, and a jump of it costs one reconnection at worst.
 */

/**
 * @typedef {{ do: 'info', run: number }} LoadInfo
 * @typedef {{ do: 'image', run: number, query: string }} LoadImage  `query` gets round caches; '' is the usual address
 * @typedef {{ do: 'stream', run: number, version: number, log: string }} FollowStream
 * @typedef {{ do: 'wait', run: number }} Wait  stop whatever runs
 * @typedef {LoadInfo | LoadImage | FollowStream | Wait} Command
 */

/** @typedef {'connecting' | 'catching-up' | 'live' | 'offline'} Connection */

export const INFO_TIMEOUT_MS = 15_000
export const IMAGE_TIMEOUT_MS = 60_000 // 250 KB on a slow phone link take a quarter of it
export const OPEN_TIMEOUT_MS = 15_000
export const SILENCE_MS = 40_000 // the server sends at least a comment every 15 s: two may be lost
const WAKE_SILENCE_MS = 20_000 // on waking up, one missing comment is enough to look
const BASE_MS = 1_000
const CAP_MS = 30_000
const HEALTHY_MS = 5_000 // a stream that lasts this long has earned a fresh back-off
const MAX_RETRY_AFTER_MS = 60_000

export class Resync {
  #random
  #run = 0
  #step = /** @type {'info' | 'image' | 'stream' | 'waiting'} */ ('info')
  #resume = /** @type {'info' | 'image' | 'stream'} */ ('info')
  #startedAt = 0 // of the step
  #heardAt = 0 // the last byte of the stream, or its request
  #openedAt = /** @type {number | null} */ (null)
  #dueAt = 0
  #attempts = 0
  #retryMs = BASE_MS
  #reloading = false
  #imageQuery = ''
  #infoLog = ''
  #log = /** @type {string | null} */ (null)
  #version = -1
  #goal = 0

  /** @param {() => number} [random]  0 <= random() < 1 */
  constructor(random = Math.random) {
    this.#random = random
  }

  /** The version of the canvas shown; -1 before the first. */
  get version() {
    return this.#version
  }

  /** The log id of the canvas shown; null before the first. */
  get log() {
    return this.#log
  }

  /**
   * What to tell people. The first wait after a reload is part of catching up: the server is there.
   * @returns {Connection}
   */
  get connection() {
    if (this.#step === 'waiting' && !(this.#reloading && this.#attempts === 1)) return 'offline'
    if (this.#log === null) return 'connecting'
    const live = this.#step === 'stream' && this.#openedAt !== null && this.#version >= this.#goal
    return live ? 'live' : 'catching-up'
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
    this.#infoLog = info.log
    this.#goal = info.version
    if (this.#log === info.log && !this.#reloading) return this.#enter('stream', now)
    if (this.#log !== null || this.#attempts > 0) this.#imageQuery = `?v=${info.version}&try=${this.#attempts}`
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
    this.#heardAt = now
    this.#openedAt ??= now
    if (now - this.#openedAt >= HEALTHY_MS) this.#attempts = 0
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
    this.#attempts = 0
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
    this.#reloading = true
    this.#goal = reload.v
    this.#imageQuery = `?v=${reload.v}&try=${this.#attempts}`
    return this.#wait(reload.log === this.#infoLog ? 'image' : 'info', now)
  }

  /**
   * The server's wish for the time before a reconnection.
   * @param {number} retryMs
   */
  gotRetry(retryMs) {
    this.#retryMs = Math.min(Math.max(retryMs, BASE_MS), CAP_MS)
  }

  /**
   * The running command ended: a request failed, or the stream is over.
   *
   * @param {number} run
   * @param {{ retryAfterMs?: number, refused?: boolean }} how  `refused`: the server answered, but not to this request
   * @param {number} now
   * @returns {Command | null}
   */
  ended(run, how, now) {
    if (run !== this.#run || this.#step === 'waiting') return null
    const resume = how.refused ? 'info' : this.#step
    return this.#wait(resume, now, how.retryAfterMs)
  }

  /**
   * Time passes; call this a few times a second.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  tick(now) {
    if (this.#step === 'waiting') {
      // More than any back-off ahead: the clock was set back.
      const due = now >= this.#dueAt || this.#dueAt - now > CAP_MS + MAX_RETRY_AFTER_MS
      return due ? this.#enter(this.#resume, now) : null
    }
    if (now < this.#startedAt) this.#startedAt = now
    if (now < this.#heardAt) this.#heardAt = now
    return this.#overdue(now) ? this.#wait(this.#step, now) : null
  }

  /**
   * The network changed, or there is a reason to doubt the stream: look now.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  probe(now) {
    if (this.#step === 'waiting') {
      this.#attempts = 0
      return this.#enter(this.#resume, now)
    }
    return this.#step === 'stream' ? this.#enter('stream', now) : null
  }

  /**
   * The page is seen again, maybe after hours.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  wake(now) {
    const doubtful = this.#step === 'waiting' || (this.#step === 'stream' && now - this.#heardAt > WAKE_SILENCE_MS)
    return doubtful ? this.probe(now) : null
  }

  /** @param {number} now */
  #overdue(now) {
    const ran = now - this.#startedAt
    if (this.#step === 'info') return ran > INFO_TIMEOUT_MS
    if (this.#step === 'image') return ran > IMAGE_TIMEOUT_MS
    return this.#openedAt === null ? ran > OPEN_TIMEOUT_MS : now - this.#heardAt > SILENCE_MS
  }

  /**
   * @param {'info' | 'image' | 'stream' | 'waiting'} resume
   * @param {number} now
   * @param {number} [retryAfterMs]
   * @returns {Command}
   */
  #wait(resume, now, retryAfterMs = 0) {
    // The server's spread is kept from the first try on, and outgrown: multiplying it would make a restart of ten seconds
    // cost half a minute.
    const spreadMs = Math.max(this.#retryMs, BASE_MS * 2 ** Math.min(this.#attempts, 10))
    const jitterMs = this.#random() * Math.min(CAP_MS, spreadMs)
    this.#resume = resume === 'waiting' ? this.#resume : resume
    this.#dueAt = now + Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) + jitterMs
    this.#attempts += 1
    this.#step = 'waiting'
    return { do: 'wait', run: ++this.#run }
  }

  /**
   * @param {'info' | 'image' | 'stream'} step
   * @param {number} now
   * @returns {Command}
   */
  #enter(step, now) {
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
