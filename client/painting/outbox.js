/**
 * Own edits on their way to the server, and the charges that they cost. A single one goes at once. A line's pixels go by
 * `POST /edits`, a request at a time: pixels drawn while one is under way go with the next, so that a slow network has few
 * requests and a quick one little delay.
 *
 *     gather ──► waiting ──► posted ──► answered: all placed, all refused, or nobody knows
 *                   ▲           │ refused, as more was asked for than charges are left
 *                   │           └──────► posted again: as many as there are charges for; the others are refused
 *                   └ dropped, when what went before wasn't placed
 *
 * The caller gives it the function that posts; needs no DOM.
 */

/** @typedef {{ id: number, x: number, y: number, color: number }} Edit */
/** @typedef {import('./posting.js').Outcome} Outcome */
/** @typedef {import('./posting.js').RateLimit} RateLimit */

/**
 * @typedef {object} Page
 * @property {import('./cooldown.js').CooldownClock} cooldown
 * @property {() => number} mostEdits  the most edits in one request
 * @property {(edits: Edit[]) => Promise<{ outcome: Outcome, rateLimit: RateLimit | null }>} post
 * @property {(edits: Edit[], outcome: Outcome, isCharged: boolean) => void} answered  `isCharged`: the server said how many
 *   charges are left
 */

export class Outbox {
  #page
  #waiting = /** @type {Edit[]} */ ([])
  #isSending = false

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
  }

  /**
   * An edit, or several that belong together, whose charges are spent. Of the edits in one request all are placed, or none.
   *
   * @param {Edit[]} edits
   * @returns {Promise<Outcome>} of the last request
   */
  async post(edits) {
    const { outcome, rateLimit } = await this.#page.post(edits)
    const fitting = fittingOf(edits.length, outcome, rateLimit)
    if (fitting) {
      this.#settle(edits.slice(fitting), outcome, null)
      await this.post(edits.slice(0, fitting))
    } else this.#settle(edits, outcome, rateLimit)
    return outcome
  }

  /**
   * An edit with others to follow, whose charge is spent.
   * @param {Edit} edit
   */
  gather(edit) {
    this.#waiting.push(edit)
    if (!this.#isSending) void this.#send()
  }

  async #send() {
    this.#isSending = true
    await Promise.resolve() // pixels of one movement of the hand go together
    while (this.#waiting.length) {
      const outcome = await this.post(this.#waiting.splice(0, Math.max(1, this.#page.mostEdits())))
      if (outcome.kind !== 'posted') this.#drop()
    }
    this.#isSending = false
  }

  /** Don't send the gathered edits: they would get the same refusal as those before, or nobody waits for them any more. */
  #drop() {
    const dropped = this.#waiting.splice(0)
    const { cooldown, answered } = this.#page
    dropped.forEach(() => cooldown.givenBack(Date.now()))
    if (dropped.length) answered(dropped, { kind: 'refused', reason: '', retrySeconds: null }, false)
  }

  /**
   * @param {Edit[]} edits
   * @param {Outcome} outcome
   * @param {RateLimit | null} rateLimit
   */
  #settle(edits, outcome, rateLimit) {
    const { cooldown, answered } = this.#page
    const now = Date.now()
    const retrySeconds = outcome.kind === 'refused' ? outcome.retrySeconds : null
    const isFree = outcome.kind === 'refused' && retrySeconds === null && !rateLimit
    for (let i = edits.length - 1; i > 0; i--) {
      if (isFree) cooldown.givenBack(now)
      else cooldown.answered(now, null)
    }
    if (retrySeconds !== null && !rateLimit?.remaining) {
      // Of several, the answer's seconds are until all of them fit.
      cooldown.refused(now, edits.length > 1 && rateLimit ? rateLimit.nextSeconds : retrySeconds)
    } else if (isFree) cooldown.givenBack(now)
    else cooldown.answered(now, rateLimit)
    answered(edits, outcome, rateLimit !== null)
  }
}

/**
 * How many of the edits the charges suffice for, if the server refused a request because they don't suffice for all; 0: for
 * none, or it refused for another reason.
 *
 * @param {number} count
 * @param {Outcome} outcome
 * @param {RateLimit | null} rateLimit
 */
function fittingOf(count, outcome, rateLimit) {
  const isShort = outcome.kind === 'refused' && outcome.retrySeconds !== null
  return isShort && count > 1 ? Math.min(rateLimit?.remaining ?? 0, count - 1) : 0
}
