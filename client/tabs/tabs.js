/**
 * Decides which tab of a browser has the stream: over HTTP/1.1 a browser has six connections to a host, so a stream for each
 * tab would leave none for painting. Tabs talk through a channel (`tab_channel.js`), without locks, which plain HTTP doesn't
 * have, and without a worker, which phones don't have.
 *
 *     { kind: 'ask' }     somebody is new: whoever leads tells it at once
 *     { kind: 'lead' }    I have the stream, and this is how I stand; once a second, and when it changes
 *     { kind: 'frame' }   edits that the stream has brought
 *     { kind: 'bye' }     I give the stream up
 *
 * A tab that hears of no leader leads: so two may lead for a moment, and both are right. When they hear of each other, the
 * tab whose stream is sound keeps it; if both are sound, the tab with the lesser id. A tab that says nothing for `LOST_MS`
 * is closed, frozen or broken. Any message may be lost or late: frames name their first and last version, and `resync.js`
 * fills gaps.
 *
 * Pure; imports nothing. Times are milliseconds since the epoch.
 */

export const BEAT_MS = 1_000
export const LOST_MS = 3_000 // a tab just hidden gets a timer once a second
// So that mostly one tab takes over the stream, and not before the server has seen the old one end: it would count two
// viewers.
const SPREAD_MS = { lost: 500, left: 150 }
const LEFT_MS = 50

/** @typedef {{ id: string, sound: boolean }} Leader */

export class Tabs {
  #id
  #random
  #leader = /** @type {Leader | null} */ (null)
  #until = 0 // without another message of that tab
  #beatAt = 0
  #told = ''

  /**
   * @param {string} id  that no other tab has
   * @param {() => number} random  0 <= random() < 1
   */
  constructor(id, random) {
    this.#id = id
    this.#random = random
  }

  /**
   * Whether another tab has the stream, or one may be about to take it.
   * @param {number} now
   */
  follows(now) {
    if (this.#until - now > LOST_MS + SPREAD_MS.lost) this.#until = now // the clock was set back
    if (now >= this.#until) this.#leader = null
    return this.#leader !== null
  }

  /**
   * Another tab says that it leads.
   *
   * @param {Leader} other
   * @param {boolean | null} sound  whether our own stream is; null: we have none
   * @param {number} now
   * @returns {boolean}  whether to follow it; if we lead, and it isn't, it has to hear of us
   */
  heard(other, sound, now) {
    if (sound !== null && !outranks(other, { id: this.#id, sound })) {
      this.#beatAt = 0
      return false
    }
    const leader = this.follows(now) ? this.#leader : null
    if (leader && leader.id !== other.id && !outranks(other, leader)) return false
    this.#leader = { id: other.id, sound: other.sound }
    this.#alive(now)
    return true
  }

  /**
   * Another tab has passed on edits.
   *
   * @param {string} id
   * @param {number} now
   */
  heardFrame(id, now) {
    if (this.#leader?.id === id) this.#alive(now)
  }

  /**
   * Another tab gives the stream up.
   *
   * @param {string} id
   * @param {number} now
   */
  left(id, now) {
    if (this.#leader?.id === id) this.#until = now + LEFT_MS + this.#random() * SPREAD_MS.left
  }

  /** Tell a new tab. */
  asked() {
    this.#beatAt = 0
  }

  /** We were away: knowledge about the other tabs counts no more. */
  reset() {
    this.#leader = null
    this.#beatAt = 0
  }

  /**
   * Whether it is time to say that we lead; after a yes the caller has to say it.
   *
   * @param {string} news  other news than the last time goes out at once
   * @param {number} now
   */
  beats(news, now) {
    if (news === this.#told && now < this.#beatAt && this.#beatAt - now <= BEAT_MS) return false
    this.#told = news
    this.#beatAt = now + BEAT_MS
    return true
  }

  /** @param {number} now */
  #alive(now) {
    this.#until = now + LOST_MS + this.#random() * SPREAD_MS.lost
  }
}

/**
 * @param {Leader} one
 * @param {Leader} other
 */
function outranks(one, other) {
  return one.sound === other.sound ? one.id < other.id : one.sound
}
