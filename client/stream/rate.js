/**
 * How many a second, lately. Pure; imports nothing. Times are milliseconds of one clock.
 */

const WINDOW_SECONDS = 5

export class Rate {
  #counts = new Array(WINDOW_SECONDS + 1).fill(0) // of the present second and those before, by second modulo
  #second = 0

  /**
   * @param {number} count
   * @param {number} now
   */
  add(count, now) {
    this.#advance(now)
    this.#counts[this.#second % this.#counts.length] += count
  }

  /**
   * The mean of the last five whole seconds, so that the shown number changes once a second: whole from 10 on, else with one
   * decimal.
   *
   * @param {number} now
   */
  perSecond(now) {
    this.#advance(now)
    const present = this.#counts[this.#second % this.#counts.length]
    const mean = this.#counts.reduce((sum, count) => sum + count, -present) / WINDOW_SECONDS
    return mean < 10 ? Math.round(mean * 10) / 10 : Math.round(mean)
  }

  /** @param {number} now */
  #advance(now) {
    const second = Math.floor(now / 1000)
    const from = Math.max(this.#second + 1, second - WINDOW_SECONDS)
    for (let one = from; one <= second; one++) this.#counts[one % this.#counts.length] = 0
    this.#second = second
  }
}
