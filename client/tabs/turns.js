/**
 * Short requests take turns: of all tabs of a browser two at a time, so that a slow server's images and infos don't take all
 * six connections, and one is left for painting.
 *
 *     { kind: 'busy', since }    I load, and have wished to since then; once a second. Null: I don't any more
 *
 * A tab asks nobody: if it hears of fewer than two, it begins. If too many began at once, the tabs that have waited for the
 * shortest time break off, and wait. Imports nothing. Times are milliseconds since the epoch.
 */

export const MOST = 2
const AGAIN_MS = 1_000
const LOST_MS = 3_000 // a tab that says nothing more is gone

export class Turns {
  #id
  #say
  #others = /** @type {Map<string, { since: number, at: number }>} */ (new Map())
  #since = /** @type {number | null} */ (null) // our wish
  #begin = /** @type {((turn: AbortSignal) => void) | null} */ (null)
  #turn = /** @type {AbortController | null} */ (null)
  #saidAt = 0

  /**
   * @param {string} id  of this tab
   * @param {(since: number | null) => void} say  to the others
   */
  constructor(id, say) {
    this.#id = id
    this.#say = say
  }

  /**
   * Wait for a turn. A request that replaces another one keeps its place.
   *
   * @param {number} now
   * @returns {Promise<AbortSignal>}  aborted when the turn is lost
   */
  take(now) {
    this.#since ??= now
    const turn = new Promise((/** @type {(turn: AbortSignal) => void} */ resolve) => (this.#begin = resolve))
    this.tick(now)
    return turn
  }

  /** The request has ended, or the page no longer wants it. Idempotent. */
  end() {
    if (!this.#turn) return
    this.#turn = null
    this.#since = null
    this.#say(null)
  }

  /**
   * Another tab loads, or no longer does.
   *
   * @param {string} id
   * @param {number | null} since
   * @param {number} now
   */
  heard(id, since, now) {
    if (since === null) this.#others.delete(id)
    else this.#others.set(id, { since, at: now })
  }

  /** The other tabs can't be heard any more. */
  clear() {
    this.#others.clear()
  }

  /** @param {number} now */
  tick(now) {
    if (this.#turn && this.#before(now) >= MOST) this.#lose()
    else if (this.#begin && !this.#turn && this.#before(now) < MOST) this.#start(now)
    else if (this.#turn && Math.abs(now - this.#saidAt) >= AGAIN_MS) this.#tell(now)
  }

  /** @param {number} now */
  #start(now) {
    this.#turn = new AbortController()
    this.#begin?.(this.#turn.signal)
    this.#begin = null
    this.#tell(now)
  }

  #lose() {
    const since = this.#since
    this.#turn?.abort()
    this.end()
    this.#since = since
  }

  /** @param {number} now */
  #tell(now) {
    this.#saidAt = now
    this.#say(this.#since)
  }

  /**
   * How many others load, before us.
   * @param {number} now
   */
  #before(now) {
    for (const [id, { at }] of this.#others) if (Math.abs(now - at) > LOST_MS) this.#others.delete(id)
    if (!this.#turn) return this.#others.size
    const ours = /** @type {number} */ (this.#since)
    return [...this.#others].filter(([id, { since }]) => since < ours || (since === ours && id < this.#id)).length
  }
}
