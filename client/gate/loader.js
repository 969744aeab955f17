/**
 * Loads `gate_view.js`, the host's notices to everybody, when there is one: the canvas is closed or will be, or there is an
 * announcement. Until then all of this does nothing.
 */

import { later } from '../page/later.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'
import { gateOf, isPlain } from './gate.js'

/** @typedef {import('./gate.js').Notices} Notices */

/**
 * @typedef {object} Page
 * @property {() => boolean} isPainted  anything has been painted
 * @property {() => void} film  show the canvas's past as a film
 * @property {() => void} refresh  something on the page may have changed
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 */

export class GateLoader {
  #page
  #load
  #notices = /** @type {Notices} */ ({})
  #aheadMs = 0
  #shown = /** @type {import('./gate_view.js').Shown | null} */ (null)

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
    this.#load = later(async () => {
      const { Shown } = await import('./gate_view.js')
      this.#shown ??= new Shown(page)
      this.#tell()
    }, page.say)
  }

  /** Whether the canvas takes no edits. */
  get isClosed() {
    return !gateOf(this.#notices).isOpen
  }

  /**
   * Set how far the server's clock is ahead of this one.
   * @param {number} ms
   */
  setClock(ms) {
    this.#aheadMs = ms
  }

  /**
   * The server's newest notices.
   * @param {Notices} notices
   */
  tell(notices) {
    this.#notices = notices
    if (this.#shown) this.#tell()
    else if (!isPlain(notices)) this.#load().catch(() => {}) // later.js has told the person
  }

  #tell() {
    this.#shown?.tell(this.#notices, this.#now)
    this.#page.refresh()
  }

  /** @returns {string | null} the reason why nobody can paint */
  whyNot() {
    return this.isClosed ? (this.#shown?.whyNot(this.#now) ?? t('closedNow')) : null
  }

  /** Time passes. */
  tick() {
    this.#shown?.tick(this.#now)
  }

  get #now() {
    return Date.now() + this.#aheadMs
  }
}
