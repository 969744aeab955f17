/**
 * Loads the modules for people, which a canvas for everybody doesn't need: when painting needs an account, when somebody has
 * signed in with this browser before, when a link brings a code, or when the host asks for a proof of work. Until then all
 * of this does nothing.
 */

import { later } from '../page/later.js'
import { postEdits } from '../painting/posting.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'
import { kept, onKept } from './memory.js'

/** @typedef {import('./link.js').Brought} Brought */
/** @typedef {import('./people.js').People} People */
/** @typedef {import('../painting/outbox.js').Edit} Edit */
/** @typedef {Awaited<ReturnType<typeof postEdits>>} Answer */

/** The server's settings for people; null before its answer. */
/** @typedef {{ signIn: import('../stream/info.js').SignIn, challenge: boolean } | null} Served */

export class PeopleLoader {
  #page
  #load
  #loadPassing
  #people = /** @type {People | null} */ (null)
  #passing = /** @type {import('./post_with_pass.js').Passing | null} */ (null)

  /** @param {import('./people.js').Page} page */
  constructor(page) {
    this.#page = page
    this.#load = later(async () => {
      const { People } = await import('./people.js')
      return (this.#people = new People(page))
    }, page.say)
    this.#loadPassing = later(async () => {
      const { Passing } = await import('./post_with_pass.js')
      return (this.#passing = new Passing(page.say))
    }, page.say)
    onKept('session', () => void this.#try(this.#load)) // somebody has signed in, in another tab
  }

  /** The server has said how people sign in, or a link has brought a code. */
  gotInfo() {
    const { signIn } = this.#page.served() ?? {}
    if (this.#people) this.#people.gotInfo()
    else if (signIn?.mode !== 'open' || kept('session')) void this.#try(this.#load)
  }

  /**
   * A link brings this code or secret.
   * @param {Brought | null} brought
   */
  async arrived(brought) {
    if (brought) (await this.#try(this.#load))?.arrived(brought)
  }

  /**
   * Show the panel.
   * @param {HTMLElement} body
   */
  async mount(body) {
    return (await this.#load()).mount(body)
  }

  /** Whether painting needs an account, and nobody is signed in. */
  get isBarred() {
    return this.#people?.isBarred ?? false
  }

  /** @returns {string | null}  the reason why this person can't paint */
  whyNot() {
    return this.isBarred ? t('signInToPaint') : null
  }

  /**
   * Time passes.
   * @param {number} now
   */
  tick(now) {
    this.#people?.tick(now)
    if (document.hidden || !this.#needsPass) return
    if (this.#passing) this.#passing.tick(now)
    else void this.#try(this.#loadPassing)
  }

  /**
   * Post edits, with a pass if this person needs one.
   *
   * @param {Edit[]} edits
   * @returns {Promise<Answer>}
   */
  async post(edits) {
    let answer = this.#needsPass ? NOT_LOADED : await postEdits(edits)
    if (answer === NOT_LOADED || codeOf(answer) === 'challenge') {
      const passing = await this.#try(this.#loadPassing)
      answer = passing ? await passing.post(edits) : NOT_LOADED
    }
    return codeOf(answer) === 'sign-in' ? this.#refusedAsNobody(answer) : answer
  }

  /** Only people without an account need a pass. */
  get #needsPass() {
    const { challenge, signIn } = this.#page.served() ?? {}
    return (challenge || this.#passing !== null) && !signIn?.required && !this.#people?.isSignedIn
  }

  /** @param {Answer} answer */
  async #refusedAsNobody(answer) {
    const people = await this.#try(this.#load)
    const reason = people?.refusedAsNobody() ?? t('signInToPaint')
    return /** @type {Answer} */ ({ ...answer, outcome: { ...answer.outcome, reason } })
  }

  /**
   * @template Part
   * @param {() => Promise<Part>} load
   * @returns {Promise<Part | null>}  null if it can't be loaded, which `later.js` has told the person
   */
  async #try(load) {
    try {
      return await load()
    } catch {
      return null
    }
  }
}

/** The answer for edits that can't be sent, since a needed module didn't load; the person knows that already. */
const NOT_LOADED = /** @type {Answer} */ ({ outcome: { kind: 'refused', reason: '', retrySeconds: null }, rateLimit: null })

/** @param {Answer} answer */
function codeOf({ outcome }) {
  return outcome.kind === 'refused' ? outcome.code : undefined
}
