/**
 * How many a second, lately. Pure; imports nothing. Times are milliseconds of one clock.
 */

const WINDOW_SECONDS = 5

export class Rate {
  #counts = new Array(WINDOW_SECONDS).fill(0) // of the last whole seconds, by second modulo
  #second = 0

  /**
   * @param {number} count
   * @param {number} now
   */
  add(count, now) {
    this.#advance(now)
    this.#counts[this.#second % WINDOW_SECONDS] += count
  }

  /**
   * The mean of the last five seconds: whole from 10 on, else with one decimal.
   * @param {number} now
   */
  perSecond(now) {
    this.#advance(now)
    const mean = this.#counts.reduce((sum, count) => sum + count, 0) / WINDOW_SECONDS
    return mean < 10 ? Math.round(mean * 10) / 10 : Math.round(mean)
  }

  /** @param {number} now */
  #advance(now) {
    const second = Math.floor(now / 1000)
    const from = Math.max(this.#second + 1, second - WINDOW_SECONDS + 1)
    for (let one = from; one <= second; one++) this.#counts[one % WINDOW_SECONDS] = 0
    this.#second = second
  }
}
