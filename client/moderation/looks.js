/**
 * Decides which lists a look loads, so that it loads little. Each act is a record of the log: while the canvas's version
 * stands still, nobody has done one, and any change by an act shows first in the list of acts. Bans also end by themselves,
 * and reports aren't in the log. Pure.
 */

/** @typedef {{ look: () => Promise<boolean | null> }} List  says whether it shows something else now; null: it wasn't told */

const REPORTS_EVERY = 2 // looks: each report comes with its picture

export class Looks {
  #lists
  #version
  #last = -1
  #hadMoved = true
  #count = 0
  #owed = /** @type {Set<List>} */ (new Set()) // lists to load, until the server answers

  /**
   * @param {{ acts: List, bans: List & { hasEnded: (now: number) => boolean }, protections: List, reports: List }} lists
   * @param {() => number} version  of the canvas on the page
   */
  constructor(lists, version) {
    this.#lists = lists
    this.#version = version
  }

  /**
   * Bring the lists up to date.
   * @param {number} now  ms since the epoch
   */
  async look(now) {
    const { acts, bans, protections, reports } = this.#lists
    if (this.#mayBeActs()) this.#owed.add(acts)
    if (this.#owed.has(acts) && (await this.#at(acts))) this.#owed.add(bans).add(protections)
    if (bans.hasEnded(now)) this.#owed.add(bans)
    if (this.#count++ % REPORTS_EVERY === 0) this.#owed.add(reports)
    await Promise.all([...this.#owed].filter((list) => list !== acts).map((list) => this.#at(list)))
  }

  /** Look once more after the version has moved: another server of a fleet, which is a moment behind, may answer. */
  #mayBeActs() {
    const [version, hadMoved] = [this.#version(), this.#hadMoved]
    this.#hadMoved = version !== this.#last
    this.#last = version
    return this.#hadMoved || hadMoved
  }

  /** @param {List} list */
  async #at(list) {
    const isOther = await list.look()
    if (isOther !== null) this.#owed.delete(list)
    return isOther
  }
}
