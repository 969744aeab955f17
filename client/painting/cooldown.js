/**
 * The cooldown clock: how many edits the server would admit now, and when the next charge is back. The server decides; this
 * continues its last answer by the clock.
 *
 * Pure; imports nothing. Times are milliseconds of one clock.
 */

/**
 * @typedef {object} Cooldown  as `GET /info` gives it
 * @property {number} charges  the most that stack
 * @property {number} charge_seconds  for one to come back; 0 means no cooldown
 * @property {number} remaining
 * @property {number} next_seconds  until one more is back
 */

/** @typedef {{ remaining: number, nextAt: number }} Standing  as one tab tells it to another; `nextAt` is when one more is back */

export class CooldownClock {
  #charges = 0
  #chargeMs = 0
  #remaining = 0
  #nextAt = 0 // when one more is back; means nothing when full
  #inFlight = 0
  #answeredAt = 0

  /** Whether edits are limited at all. */
  get limited() {
    return this.#chargeMs > 0
  }

  /** The most charges that stack. */
  get charges() {
    return this.#charges
  }

  /** Milliseconds for one charge to come back; 0 without a cooldown. */
  get chargeMs() {
    return this.#chargeMs
  }

  /**
   * What `GET /info` said. It may not know of edits that were on their way when the page asked.
   *
   * @param {Cooldown} cooldown
   * @param {number} now
   * @param {number} [askedAt]
   */
  set(cooldown, now, askedAt = now) {
    const isNew = this.#charges !== cooldown.charges || this.#chargeMs !== cooldown.charge_seconds * 1000
    if (!isNew && (this.#inFlight || askedAt < this.#answeredAt)) return
    this.#charges = cooldown.charges
    this.#chargeMs = cooldown.charge_seconds * 1000
    this.#remaining = cooldown.remaining
    this.#nextAt = now + cooldown.next_seconds * 1000
  }

  /**
   * The clock's state, for the browser's other tabs.
   *
   * @param {number} now
   * @returns {Standing}
   */
  standing(now) {
    this.#advance(now)
    return { remaining: this.#remaining, nextAt: this.#nextAt }
  }

  /**
   * Another tab told its state. While edits of our own are on their way, it can only lower the count.
   *
   * @param {Standing} standing
   * @param {number} now
   */
  told({ remaining, nextAt }, now) {
    this.#advance(now)
    if (!this.limited || (this.#inFlight && remaining >= this.#remaining)) return
    this.#remaining = Math.min(remaining, this.#charges)
    this.#nextAt = nextAt
  }

  /**
   * Charges left.
   * @param {number} now
   */
  remaining(now) {
    this.#advance(now)
    return this.#remaining
  }

  /**
   * Milliseconds until one more charge; 0 when full or without a cooldown.
   * @param {number} now
   */
  nextMs(now) {
    this.#advance(now)
    return this.#isFull() ? 0 : this.#nextAt - now
  }

  /**
   * The part of the next charge that is back, 0 to 1; 1 when full.
   * @param {number} now
   */
  progress(now) {
    return this.limited ? Math.min(1, Math.max(0, 1 - this.nextMs(now) / this.#chargeMs)) : 1
  }

  /**
   * An edit is being posted.
   * @param {number} now
   */
  spend(now) {
    this.#advance(now)
    this.#inFlight += 1
    if (this.limited) this.#take(now)
  }

  /**
   * The server answered the edit, or the page gave it up. An earlier answer doesn't know of later edits: until all are
   * answered, it can only lower the count.
   *
   * @param {number} now
   * @param {{ remaining: number, nextSeconds: number } | null} said  from the RateLimit field, if there was one
   */
  answered(now, said) {
    this.#settle(now)
    if (!said || !this.limited) return
    const remaining = Math.min(said.remaining, this.#charges)
    if (this.#isFull() && remaining < this.#charges) this.#nextAt = now + this.#chargeMs
    this.#remaining = this.#inFlight ? Math.min(this.#remaining, remaining) : remaining
    // Whole seconds: for 0 our own clock is more exact.
    if (!this.#isFull() && said.nextSeconds > 0) this.#nextAt = Math.min(this.#nextAt, now + said.nextSeconds * 1000)
  }

  /**
   * The server refused an edit for the cooldown.
   *
   * @param {number} now
   * @param {number} seconds  until one charge is back
   */
  refused(now, seconds) {
    this.#settle(now)
    this.#remaining = 0
    this.#nextAt = now + seconds * 1000
  }

  /**
   * Nothing was placed: the server has given the charge back, or never took it.
   * @param {number} now
   */
  givenBack(now) {
    this.#settle(now)
    if (this.limited) this.#remaining = Math.min(this.#charges, this.#remaining + 1)
  }

  /** @param {number} now */
  #settle(now) {
    this.#advance(now)
    this.#inFlight = Math.max(0, this.#inFlight - 1)
    this.#answeredAt = now
  }

  #isFull() {
    return !this.limited || this.#remaining >= this.#charges
  }

  /** @param {number} now */
  #take(now) {
    if (this.#isFull()) this.#nextAt = now + this.#chargeMs
    this.#remaining = Math.max(0, this.#remaining - 1)
  }

  /** @param {number} now */
  #advance(now) {
    if (this.#isFull()) return
    if (this.#nextAt - now > this.#chargeMs + 60_000) this.#nextAt = now + this.#chargeMs // the clock was set back
    if (now < this.#nextAt) return
    const back = 1 + Math.floor((now - this.#nextAt) / this.#chargeMs)
    this.#remaining = Math.min(this.#charges, this.#remaining + back)
    this.#nextAt += back * this.#chargeMs
  }
}

/**
 * The RateLimit response field (draft-ietf-httpapi-ratelimit-headers): `"edits";r=7;t=1`.
 *
 * @param {string | null} field
 * @returns {{ remaining: number, nextSeconds: number } | null} null when absent or of another form
 */
export function parseRateLimit(field) {
  const remaining = /;\s*r=(\d{1,9})/.exec(field ?? '')
  const seconds = /;\s*t=(\d{1,9})/.exec(field ?? '')
  return remaining && seconds ? { remaining: Number(remaining[1]), nextSeconds: Number(seconds[1]) } : null
}
