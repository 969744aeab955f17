/**
 * How long to wait before the next attempt. After a server's restart its pages come back spread over seconds, and a page
 * that somebody looks at is right soon after the network is back. Pure; imports nothing.
 *
 *     the server ended the stream, or refused: as long as it asks, then back-off with full jitter
 *     nobody answered: about a second, for a minute, then back-off; nothing tells when a router is back
 *
 * A page that nobody looks at doesn't try at all (`resync.js`).
 */

export const BASE_MS = 1_000
export const CAP_MS = 30_000
/** Spread evenly: 10,000 pages ask 12,500 times a second while nobody answers, and are all back within 1.2 s. */
export const QUICK_MS = { least: 400, most: 1_200 }
export const QUICK_FOR_MS = 60_000

export class BackOff {
  #random
  #attempts = 0
  #quickAttempts = 0 // attempts that leave the back-off as it is
  #failingSince = /** @type {number | null} */ (null)
  #serverMs = BASE_MS

  /** @param {() => number} random  0 <= random() < 1 */
  constructor(random) {
    this.#random = random
  }

  /** Attempts that failed, since one succeeded. */
  get attempts() {
    return this.#attempts
  }

  /**
   * The time that the server asks for before a reconnection.
   * @param {number} retryMs
   */
  wish(retryMs) {
    this.#serverMs = Math.min(Math.max(retryMs, BASE_MS), CAP_MS)
  }

  /**
   * An attempt failed; how long to wait.
   *
   * @param {boolean} unanswered  nobody answered
   * @param {number} now
   */
  failed(unanswered, now) {
    this.#failingSince ??= now
    const quick = unanswered && now - this.#failingSince < QUICK_FOR_MS
    const delayMs = quick ? QUICK_MS.least + this.#random() * (QUICK_MS.most - QUICK_MS.least) : this.#longMs()
    this.#attempts += 1
    if (quick) this.#quickAttempts += 1
    return delayMs
  }

  #longMs() {
    // The first tries keep the server's spread, later ones outgrow it: multiplying it would turn a restart of ten seconds
    // into half a minute.
    const doublings = Math.min(this.#attempts - this.#quickAttempts, 10)
    const spreadMs = Math.max(this.#serverMs, BASE_MS * 2 ** doublings)
    return this.#random() * Math.min(CAP_MS, spreadMs)
  }

  /** An attempt succeeded, or there is reason to hope that the next one will: earlier failures count no more. */
  reset() {
    this.#attempts = this.#quickAttempts = 0
    this.#failingSince = null
  }
}
