/**
 * The person at this browser, as the server says: signed in or not, name, roles. Signs in and out, and changes the name. All
 * tabs of the browser follow: a tab that changes something notes it, and the others ask the server (`memory.js`). Needs no
 * DOM.
 *
 *     unknown ──look──► out ◄──────────────── sign out, or the session has ended
 *                │       │ sign in                 ▲
 *                └───────┴────► in ────────────────┘
 */

import { ask } from './asking.js'
import { keep, kept } from './memory.js'

/**
 * @typedef {object} Me  whose browser it is
 * @property {boolean} signedIn
 * @property {string} name  '' for none
 * @property {string} author  16 hex digits; '' while nobody is signed in
 * @property {string[]} roles  of 'person', 'bot', 'moderator', 'host'
 */

/** @typedef {import('../painting/cooldown.js').Cooldown} Cooldown */

/** @type {Me} */
const NOBODY = Object.freeze({ signedIn: false, name: '', author: '', roles: [] })

export class Person {
  #me = /** @type {Me | null} */ (null)
  #changed
  #gotCooldown
  #asked = 0 // counts requests: an answer to an earlier one is no news

  /**
   * @param {object} page
   * @param {(me: Me, before: Me | null) => void} page.changed  `before` null: not known before
   * @param {(cooldown: Cooldown, askedAt: number) => void} page.gotCooldown  the person's own charges
   */
  constructor({ changed, gotCooldown }) {
    this.#changed = changed
    this.#gotCooldown = gotCooldown
  }

  /** Null: not known yet. */
  get me() {
    return this.#me
  }

  /**
   * Ask the server who is signed in.
   * @throws {import('./asking.js').Refusal}
   */
  async look() {
    const [turn, askedAt] = [++this.#asked, Date.now()]
    const answer = await ask('me')
    if (turn === this.#asked) this.#got(answer, askedAt)
  }

  /**
   * @param {{ code: string } | { host: string } | { join: string, name: string }} said
   * @throws {import('./asking.js').Refusal}
   */
  async signIn(said) {
    await ask('sign-in', said)
    // The answer says who it is, /me also what charges they have.
    await this.look()
    this.#tell()
  }

  /**
   * @param {boolean} everywhere  also in other browsers
   * @throws {import('./asking.js').Refusal} the person stays signed in
   */
  async signOut(everywhere) {
    await ask('sign-out', everywhere ? { everywhere } : {})
    this.ended()
    await this.look()
  }

  /**
   * @param {string} name
   * @throws {import('./asking.js').Refusal}
   */
  async rename(name) {
    const askedAt = Date.now()
    this.#asked++
    this.#got(await ask('me/name', { name }), askedAt)
    this.#tell()
  }

  /** The server knows nobody here any more, whatever it said before. */
  ended() {
    this.#asked++
    this.#be(NOBODY)
  }

  /**
   * @param {any} answer  of /me
   * @param {number} askedAt
   */
  #got(answer, askedAt) {
    this.#be(meOf(answer))
    if (answer.cooldown) this.#gotCooldown(answer.cooldown, askedAt)
  }

  /** @param {Me} me */
  #be(me) {
    const before = this.#me
    if (before && JSON.stringify(before) === JSON.stringify(me)) return
    this.#me = me
    if (authorKept() !== me.author) this.#tell()
    this.#changed(me, before)
  }

  /** Make the other tabs ask the server. */
  #tell() {
    const { signedIn, author } = /** @type {Me} */ (this.#me)
    keep('session', signedIn ? `${author} ${Date.now()}` : '')
  }
}

/** The author whom another tab, or an earlier page, found signed in; '' for nobody. */
export function authorKept() {
  return kept('session').split(' ')[0]
}

/**
 * @param {any} answer  parsed JSON
 * @returns {Me}
 */
function meOf({ signed_in: signedIn, name, author, roles }) {
  if (signedIn !== true) return NOBODY
  return { signedIn, name: String(name ?? ''), author: String(author ?? ''), roles: Array.isArray(roles) ? roles.map(String) : [] }
}
