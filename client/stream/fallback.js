/**
 * Whether the stream comes through to this browser, or the page asks again and again instead (*polls*): some proxies,
 * tunnels and virus scanners hold a stream back until it ends, and a server may refuse one. Pure; imports nothing. Times are
 * milliseconds since the epoch.
 */

const AGAIN_MS = 120_000 // until the stream is tried again, the first time: nobody sees the try, but it takes four seconds
const MOST_DOUBLINGS = 3
/** From the start of a poll to the start of the next, at least: one a second is cheap, and hardly later than the stream. */
export const POLL_MS = 1_000
/** How long a poll waits for news; a proxy that has less patience shortens it. */
const WAIT_SECONDS = 20
const LEAST_WAIT_SECONDS = 2

export class Fallback {
  /** Whether the page polls. */
  polls = false
  /** How long the next poll may wait for news. */
  waitSeconds = WAIT_SECONDS

  #random
  #doubts = 0 // since the stream came through
  #failures = 0
  #againAt = 0

  /** @param {() => number} random  0 <= random() < 1 */
  constructor(random) {
    this.#random = random
  }

  /**
   * The stream didn't come through, and a poll did. If the stream was silent, the network may have been the cause, and is
   * back now.
   *
   * @param {'silent' | 'refused'} why
   * @param {number} now
   */
  doubted(why, now) {
    this.#doubts += 1
    if (why === 'silent' && this.#doubts === 1) return
    this.polls = true
    this.#againAt = now + AGAIN_MS * 2 ** this.#failures * (0.75 + this.#random() / 2)
    this.#failures = Math.min(this.#failures + 1, MOST_DOUBLINGS)
  }

  /** The stream comes through. */
  healed() {
    this.polls = false
    this.#doubts = this.#failures = 0
    this.waitSeconds = WAIT_SECONDS
  }

  /** The network has changed: knowledge about the earlier one counts no more. */
  forget() {
    this.#againAt = 0
    this.waitSeconds = WAIT_SECONDS
  }

  /** A poll that waited was cut off. */
  shorten() {
    this.waitSeconds = Math.max(LEAST_WAIT_SECONDS, this.waitSeconds / 2)
  }

  /**
   * Whether to poll now, rather than to try the stream.
   * @param {number} now
   */
  pollsAt(now) {
    const leftMs = this.#againAt - now
    return this.polls && leftMs > 0 && leftMs < AGAIN_MS * 2 ** (MOST_DOUBLINGS + 1) // more: the clock was set back
  }

  /**
   * How long to wait before the next poll.
   * @param {number} tookMs  what the last one took
   */
  pauseMs(tookMs) {
    return Math.max(0, POLL_MS - tookMs) + (this.#random() * POLL_MS) / 4
  }
}
