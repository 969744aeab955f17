/**
 * The own pixels that are on their way: painted here, and not yet known to be in the canvas.
 *
 *                 answered v = n           the stream's version >= n
 *     pending ──────────────────► posted ───────────────────────────► gone (the canvas has it, or somebody's later one)
 *        │ refused
 *        ├──────────────────────► gone, with the reason
 *        │ no answer, or 'outcome unknown'         an edit of that pixel arrives, or time is up
 *        └──────────────────────► unknown ───────────────────────────► gone (the canvas shows what came of it)
 *
 * They are an overlay: a guess never changes the canvas itself, so taking one back leaves no ghost, and when somebody else
 * paints the same pixel, the canvas underneath is always right.
 *
 * Pure; imports nothing. Times are milliseconds of one clock.
 */

/**
 * @typedef {object} OwnPixel
 * @property {number} id
 * @property {number} x
 * @property {number} y
 * @property {number} color
 * @property {'pending' | 'posted' | 'unknown'} state
 */

/** @typedef {OwnPixel & { log: string, version: number, since: number, seen: boolean }} Entry */

/**
 * How long an unknown pixel stays after the canvas is live again. A Kafka append that timed out lands within seconds or not
 * at all; longer would be a ghost.
 */
export const UNKNOWN_LIVE_MS = 8_000
/** Offline or not, an unknown pixel goes after this. */
export const UNKNOWN_MS = 120_000
/** If a live stream doesn't bring a posted pixel for this long, something is wrong with the stream. */
export const POSTED_LIVE_MS = 20_000
/** The most own pixels on their way: far above any sensible number of charges. */
export const MAX_ENTRIES = 256

export class OwnPixels {
  #entries = /** @type {Entry[]} */ ([])
  #nextId = 1
  #liveSince = /** @type {number | null} */ (null)

  /** How many are on their way. */
  get size() {
    return this.#entries.length
  }

  /** Whether another one may be painted. */
  get full() {
    return this.#entries.length >= MAX_ENTRIES
  }

  /**
   * A pixel was painted here and is about to be posted.
   *
   * @param {{ x: number, y: number, color: number, log: string, now: number }} edit
   * @returns {number} its id
   */
  add({ x, y, color, log, now }) {
    const id = this.#nextId++
    this.#entries.push({ id, x, y, color, state: 'pending', log, version: Infinity, since: now, seen: false })
    return id
  }

  /**
   * The server answered 200: it is visible at `version`. Does nothing if the pixel is already gone.
   *
   * @param {number} id
   * @param {number} version
   * @param {{ log: string, version: number, now: number }} canvas  the canvas shown
   */
  posted(id, version, canvas) {
    const entry = this.#find(id)
    if (!entry) return
    entry.state = 'posted'
    entry.version = version
    entry.since = canvas.now
    this.reached(canvas.log, canvas.version)
  }

  /**
   * The server refused the pixel: it disappears at once.
   * @param {number} id
   */
  refused(id) {
    this.#entries = this.#entries.filter((entry) => entry.id !== id)
  }

  /**
   * The answer doesn't say whether the pixel was placed, unless the stream has shown it meanwhile, which is often faster.
   *
   * @param {number} id
   * @param {number} now
   */
  unknown(id, now) {
    const entry = this.#find(id)
    if (!entry) return
    if (entry.seen) return this.refused(id)
    entry.state = 'unknown'
    entry.since = now
  }

  /**
   * The canvas shown is at this version of this log now. The pixels that it contains are no longer on their way. A version
   * means nothing in another log, so own pixels of another log go: the canvas shows what is there.
   *
   * @param {string} log
   * @param {number} version
   */
  reached(log, version) {
    for (const entry of this.#entries) {
      if (entry.version <= version && entry.log === log) this.#supersede(entry)
    }
    this.#entries = this.#entries.filter((entry) => entry.log === log && entry.version > version)
  }

  /**
   * The stream brought an edit of this pixel: an unknown own pixel has either landed with it, or the canvas is right now.
   *
   * @param {number} x
   * @param {number} y
   */
  seen(x, y) {
    for (const entry of this.#entries) if (entry.x === x && entry.y === y) entry.seen = true
    this.#entries = this.#entries.filter(({ state, seen }) => !(state === 'unknown' && seen))
  }

  /**
   * Time passes. Waiting counts only while live: offline, a posted pixel is in the log though the canvas can't show it.
   *
   * @param {number} now
   * @param {boolean} live
   * @returns {{ unknown: OwnPixel[], overdue: OwnPixel[] }}  the pixels that went because their time was up
   */
  tick(now, live) {
    if (!live || (this.#liveSince !== null && now < this.#liveSince)) this.#liveSince = null
    if (live) this.#liveSince ??= now
    const liveSince = this.#liveSince
    /** @param {Entry} entry */
    const waitedLive = (entry) => (liveSince === null ? 0 : now - Math.max(liveSince, entry.since))
    const unknown = this.#entries.filter(
      (e) => e.state === 'unknown' && (waitedLive(e) >= UNKNOWN_LIVE_MS || now - e.since >= UNKNOWN_MS)
    )
    const overdue = this.#entries.filter((e) => e.state === 'posted' && waitedLive(e) >= POSTED_LIVE_MS)
    if (unknown.length || overdue.length) {
      this.#entries = this.#entries.filter((e) => !unknown.includes(e) && !overdue.includes(e))
    }
    return { unknown, overdue }
  }

  /**
   * The own pixels to draw over the canvas: the newest of each place, in the order painted.
   * @returns {OwnPixel[]}
   */
  shown() {
    /** @type {Map<string, OwnPixel>} */
    const newest = new Map()
    for (const { id, x, y, color, state } of this.#entries) newest.set(`${x},${y}`, { id, x, y, color, state })
    return [...newest.values()]
  }

  /**
   * An own pixel has arrived: older ones of the same place, still on their way, must not be drawn over later ones.
   * @param {Entry} arrived
   */
  #supersede(arrived) {
    for (const entry of this.#entries) {
      if (entry.id < arrived.id && entry.x === arrived.x && entry.y === arrived.y) entry.version = -1
    }
  }

  /** @param {number} id */
  #find(id) {
    return this.#entries.find((entry) => entry.id === id)
  }
}
