/**
 * A pass to paint without an account, if the host asks for a proof of work (`--challenge`). The browser gets it by a search
 * for a number, before the first edit needs it, and again before it ends. One pass serves all tabs of the browser.
 *
 *     GET /challenge ──► worker: search ──► POST /challenge ──► kept, sent with each edit as X-Placed-Pass
 *
 * The server sets it as a cookie, too, which a page in a frame of another site doesn't send: hence the field.
 */

import { Refusal, ask } from './asking.js'
import { keep, kept, onKept } from './memory.js'

/** @typedef {{ pass: string, until: number }} Held  `until`: ms since the epoch, by this browser's clock */

const EARLY_MS = 300_000 // the server still takes an edit that is under way when it ends
const [LEAST_MS, MOST_MS] = [600_000, 3_600_000] // the longest that a pass counts as valid, whatever this clock says
const REST_MS = [2_000, 60_000] // after a failure, the first and the longest
const SEARCH_MS = 180_000 // ten times as long as an old phone takes

export class Pass {
  #search
  #held = heldIn(kept('pass'))
  #running = /** @type {Promise<void> | null} */ (null)
  #restMs = REST_MS[0]
  #restsUntil = 0

  /** @param {(challenge: object) => Promise<number | null>} [search]  for the number that solves it; null: there is none */
  constructor(search = searchInWorker) {
    this.#search = search
    onKept('pass', (value) => (this.#held = heldIn(value)))
  }

  /** The headers to send with an edit. */
  get headers() {
    return this.#held ? { 'X-Placed-Pass': this.#held.pass } : {}
  }

  /** @param {number} now */
  isReady(now) {
    return this.#held !== null && now < this.#held.until
  }

  /**
   * Get a pass in time.
   * @param {number} now
   */
  tick(now) {
    const isDue = !this.#held || now >= this.#held.until - EARLY_MS
    if (isDue && now >= this.#restsUntil && !this.#running) this.renew().catch((error) => console.warn(`placed: pass: ${error}`))
  }

  /**
   * The server refuses the pass of an edit: this browser has another address now, or the pass was too old.
   * @param {Record<string, string>} sent
   */
  refused(sent) {
    if (sent['X-Placed-Pass'] === this.#held?.pass) this.#held = null
  }

  /**
   * Get a new pass, or wait for the one under way.
   * @throws {Refusal}
   */
  renew() {
    return (this.#running ??= this.#obtain().finally(() => (this.#running = null)))
  }

  async #obtain() {
    try {
      const { pass, expires } = await this.#prove()
      const lifeMs = Math.min(MOST_MS, Math.max(LEAST_MS, Number(expires) * 1_000 - Date.now() || 0))
      this.#held = { pass: String(pass), until: Date.now() + lifeMs }
      keep('pass', JSON.stringify(this.#held))
      this.#restMs = REST_MS[0]
    } catch (error) {
      this.#restsUntil = Date.now() + this.#restMs
      this.#restMs = Math.min(REST_MS[1], 2 * this.#restMs)
      throw error
    }
  }

  /** @returns {Promise<{ pass: string, expires: number }>} */
  async #prove() {
    const challenge = await ask('challenge')
    const number = await this.#search(challenge)
    if (number === null) throw new Refusal(0, 'challenge', '', 0)
    const { algorithm, challenge: wanted, salt, signature } = challenge
    return ask('challenge', { altcha: base64(JSON.stringify({ algorithm, challenge: wanted, number, salt, signature })) })
  }
}

/**
 * @param {object} challenge
 * @returns {Promise<number | null>}
 */
function searchInWorker(challenge) {
  const worker = new Worker(new URL('./proof_worker.js', import.meta.url), { type: 'module' })
  return /** @type {Promise<number | null>} */ (new Promise((resolve) => {
    setTimeout(() => resolve(null), SEARCH_MS)
    worker.onmessage = ({ data }) => resolve(data)
    worker.onerror = () => resolve(null)
    worker.postMessage(challenge)
  })).finally(() => worker.terminate())
}

/**
 * @param {string} text  the stored text, by another tab or another version of the page
 * @returns {Held | null}
 */
function heldIn(text) {
  try {
    const { pass, until } = Object(JSON.parse(text || 'null'))
    return typeof pass === 'string' && /^[\x21-\x7e]{1,4000}$/.test(pass) && until < Date.now() + 2 * MOST_MS ? { pass, until } : null
  } catch {
    return null
  }
}

/** @param {string} text */
function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}
