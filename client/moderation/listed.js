/**
 * A list that the server sends a page at a time, and that stays right while others change it. Pure.
 *
 *     load ──► the first page            what was shown before is gone
 *     more ──► and the next one
 *     look ──► as many as are shown, anew: bounded by what somebody has asked for
 */

/**
 * @template Item
 * @typedef {object} Page
 * @property {Item[]} items
 * @property {number | null} next  where the list goes on; null at its end
 * @property {boolean} isCut  at its end: there may be more entries, which the server can't list
 */

const MOST = 100 // entries of one answer, as the server has it

/** @template Item */
export class Listed {
  items = /** @type {Item[]} */ ([])
  next = /** @type {number | null} */ (null)
  isCut = false
  #page
  #first
  #turn = 0 // of a person who pages: a look that began before is repeated after it
  #asked = 0 // looks
  #told = 0 // the last look with an answer: a late answer to an earlier one is no news

  /**
   * @param {(from: number | null, limit: number) => Promise<Page<Item>>} page  asks the server; `from` null: from the beginning
   * @param {number} first  how many are shown at first, and more each time
   */
  constructor(page, first) {
    this.#page = page
    this.#first = first
  }

  /** Show the beginning. */
  load() {
    return this.#read(null)
  }

  /** Show more. */
  more() {
    return this.#read(this.next)
  }

  /**
   * Load the shown entries anew.
   * @returns {Promise<boolean>}  whether they have changed
   */
  async look() {
    const [turn, asked] = [this.#turn, ++this.#asked]
    const wanted = Math.max(this.#first, this.items.length)
    let found = await this.#page(null, Math.min(MOST, wanted))
    while (found.next !== null && found.items.length < wanted) {
      const more = await this.#page(found.next, Math.min(MOST, wanted - found.items.length))
      found = { ...more, items: [...found.items, ...more.items] }
    }
    if (turn !== this.#turn) return this.look() // a person asked for more meanwhile, of a list that may have changed
    if (asked < this.#told) return false
    this.#told = asked
    if (JSON.stringify(found) === JSON.stringify({ items: this.items, next: this.next, isCut: this.isCut })) return false
    this.#show(found)
    return true
  }

  /** @param {number | null} from */
  async #read(from) {
    const turn = ++this.#turn
    const found = await this.#page(from, this.#first)
    if (turn !== this.#turn) return
    this.#turn++
    this.#show(from === null ? found : { ...found, items: [...this.items, ...found.items] })
  }

  /** @param {Page<Item>} page */
  #show({ items, next, isCut }) {
    this.items = items
    this.next = next
    this.isCut = isCut
  }
}
