/**
 * How long the running step has been silent, and when that is too long. Pure; imports nothing. Times are milliseconds since
 * the epoch.
 *
 *     begin ──► nothing heard ── heard ──► open ── heard ──► open, and so on
 *                    │                       │
 *                    └── too late: timedOut ─┘   the more often it was too late, the longer the next step may take
 */

export const INFO_TIMEOUT_MS = 15_000
export const IMAGE_TIMEOUT_MS = 60_000 // 250 KB on a slow phone link take a quarter of it
export const OPEN_TIMEOUT_MS = 15_000
export const SILENCE_MS = 40_000 // the server sends at least a status every 15 s: two may be lost
export const PROBE_MS = 4_000 // for a stream's first byte, or info, once there is a canvas; doubled each time it is too short
const WAKE_SILENCE_MS = 5_000 // on waking up, so much silence is enough to look: it costs one request
export const LATE_MS = 1_000 // data that was on its way when the network went
const HEALTHY_MS = 5_000 // a stream that lasts this long has earned a fresh back-off

export class Patience {
  #startedAt = 0
  #heardAt = 0 // the last byte, or the request
  #openedAt = /** @type {number | null} */ (null) // the first byte
  #timeouts = 0 // since somebody answered

  /** Whether anything was heard since the step began. */
  get isOpen() {
    return this.#openedAt !== null
  }

  /**
   * A step begins.
   * @param {number} now
   */
  begin(now) {
    this.#startedAt = this.#heardAt = now
    this.#openedAt = null
  }

  /**
   * Bytes came, or another tab's message.
   * @param {number} now
   */
  heard(now) {
    this.#heardAt = now
  }

  /**
   * The first bytes came.
   * @param {number} now
   */
  open(now) {
    this.#openedAt ??= now
  }

  /** Somebody answered, or there is a reason to hope: the next step gets the shortest time again. */
  reset() {
    this.#timeouts = 0
  }

  /** The step took too long. */
  timedOut() {
    this.#timeouts += 1
  }

  /**
   * The clock may have been set back: no time lies ahead.
   * @param {number} now
   */
  agree(now) {
    this.#startedAt = Math.min(this.#startedAt, now)
    this.#heardAt = Math.min(this.#heardAt, now)
  }

  /**
   * How long the step has run.
   * @param {number} now
   */
  ranMs(now) {
    return now - this.#startedAt
  }

  /**
   * Whether an open stream has lasted.
   * @param {number} now
   */
  isHealthy(now) {
    return this.#openedAt !== null && now - this.#openedAt >= HEALTHY_MS
  }

  /**
   * Whether an open stream was heard lately.
   * @param {number} now
   */
  isSound(now) {
    return this.isOpen && now - this.#heardAt < SILENCE_MS / 2
  }

  /**
   * Whether an answer to a request from before then is still coming.
   * @param {number} at
   */
  outlasts(at) {
    return this.#startedAt <= at && this.#heardAt - at > LATE_MS
  }

  /**
   * Whether the page should ask the server after waking up.
   * @param {number} now
   */
  isDoubtful(now) {
    return now - this.#heardAt > WAKE_SILENCE_MS
  }

  /**
   * Whether a request has taken too long.
   *
   * @param {import('./commands.js').Step} step  the running step
   * @param {{ waitSeconds: number, isFirst: boolean }} how  how long the server may wait by our own wish, and whether there
   *   is no canvas yet: then nobody sees an old one meanwhile
   * @param {number} now
   */
  isOver(step, { waitSeconds, isFirst }, now) {
    const ran = this.ranMs(now)
    if (step === 'image') return ran > IMAGE_TIMEOUT_MS
    if (this.isOpen) return now - this.#heardAt > SILENCE_MS
    const limitMs = step === 'info' ? INFO_TIMEOUT_MS : OPEN_TIMEOUT_MS
    return ran > waitSeconds * 1000 + (isFirst ? limitMs : Math.min(limitMs, PROBE_MS * 2 ** this.#timeouts))
  }
}
