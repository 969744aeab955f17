/**
 * People on the page: the button and the panel for signing in and for one's own account, and the button in the palette's
 * place while painting needs an account. The page loads it at its first use; `person.js` talks with the server.
 */

import { element, make } from '../page/elements.js'
import { t } from '../words/language.js'
import { whyRefused } from './asking.js'
import { mountCard } from './card.js'
import { Person } from './person.js'
import { onKept } from './memory.js'
import { comeBack, mountSignIn } from './sign_in.js'
import './texts.js'

/**
 * The parts of the page that this module needs.
 * @typedef {object} Page
 * @property {() => import('./loader.js').Served} served
 * @property {import('../painting/cooldown.js').CooldownClock} cooldown
 * @property {(said: object, askedAt: number) => void} gotCooldown  the person's own charges
 * @property {() => import('../panels/panel.js').Panel} panel
 * @property {() => boolean} isRefused  the server shows the canvas only to people who are signed in
 * @property {(roles: string[]) => void} gotRoles  the roles of the person at this browser
 * @property {() => void} probe  ask it for the canvas again
 * @property {() => void} refresh  something on the page may have changed
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 */

/** @typedef {import('./person.js').Me} Me */
/** @typedef {import('./link.js').Brought} Brought */
/** @typedef {Exclude<Brought, { failed: string }>} Secret */

const LOOK_MS = 600_000 // the page notices a session that has ended when somebody looks at it again
const AGAIN_MS = 5_000 // between two requests without an answer
const FAILURES = /** @type {const} */ (['denied', 'expired', 'provider-down', 'provider-error', 'bad-answer', 'busy'])

export class People {
  /** A code that a link has brought to a person who is signed in: they decide. */
  waiting = /** @type {Secret | null} */ (null)
  /** The last error, for the panel. */
  trouble = ''
  /** The typed values, so that nobody types them twice. */
  typed = /** @type {Record<string, string>} */ ({})
  person
  #page
  #button = element('people')
  #name = /** @type {HTMLElement} */ (this.#button.querySelector('span'))
  #bar = make('button', { type: 'button', id: 'to-paint', className: 'main', hidden: true }, t('toPaint'))
  #shown = /** @type {{ body: HTMLElement, isIn: boolean | null, tick: () => void } | null} */ (null) // the panel, while it is open
  #lookedAt = 0

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
    this.person = new Person({ changed: (me, before) => this.#changed(me, before), gotCooldown: page.gotCooldown })
    document.head.append(make('link', { rel: 'stylesheet', href: new URL('people.css', import.meta.url).href }))
    element('paints').append(this.#bar)
    this.#bar.addEventListener('click', () => this.show())
    onKept('session', () => void this.look())
    this.gotInfo()
    void this.look()
    comeBack()
  }

  /** Whether somebody is signed in. */
  get isSignedIn() {
    return this.person.me?.signedIn ?? false
  }

  /** Whether painting needs an account, and nobody is signed in. */
  get isBarred() {
    return this.person.me?.signedIn === false && this.signIn.required
  }

  /** How people sign in here. */
  get signIn() {
    return this.#page.served()?.signIn ?? NO_SIGN_IN
  }

  /** The server has said, maybe anew, how people sign in. */
  gotInfo() {
    const { mode, required } = this.signIn
    const { me } = this.person
    const isOut = me?.signedIn === false
    document.documentElement.dataset.person = !required || me?.signedIn ? '' : isOut ? 'out' : 'unknown'
    this.#button.hidden = mode === 'open' && !me?.signedIn
    this.#bar.hidden = !this.isBarred
    this.#name.textContent = me?.name ?? ''
    const label = me?.signedIn ? [t('whoYouAre'), me.name].filter(Boolean).join(': ') : t('people')
    this.#button.ariaLabel = this.#button.title = label
  }

  /** Ask the server who is signed in. */
  async look() {
    this.#lookedAt = Date.now()
    try {
      await this.person.look()
    } catch {
      this.#lookedAt = Date.now() - LOOK_MS + AGAIN_MS // `tick` asks again
    }
  }

  /**
   * Time passes.
   * @param {number} now
   */
  tick(now) {
    this.#shown?.tick()
    const since = Math.abs(now - this.#lookedAt)
    const isOdd = this.#page.isRefused() && this.person.me?.signedIn !== false
    if (!document.hidden && since >= (isOdd ? AGAIN_MS : LOOK_MS)) void this.look()
  }

  /**
   * A link brings this.
   * @param {Brought} brought
   */
  async arrived(brought) {
    if ('failed' in brought) return this.fail(failureOf(brought.failed))
    await this.look()
    if (!this.isSignedIn) return this.enter(brought)
    // Somebody who sends their own code in a link must not make others paint in the sender's name without asking them.
    this.waiting = brought
    this.show()
  }

  /**
   * Sign in.
   *
   * @param {Secret | { join: string, name: string }} said
   * @returns {Promise<boolean>}  whether they are signed in; if not, the panel says why
   */
  async enter(said) {
    this.typed = { ...said }
    try {
      await this.person.signIn(said)
    } catch (error) {
      this.fail(whyRefused(error))
      return false
    }
    this.waiting = null
    this.trouble = ''
    this.typed = {}
    const { name } = /** @type {Me} */ (this.person.me)
    this.#page.say(name ? t('signedInAs', { name }) : t('signedIn'), 'news')
    this.#render()
    return true
  }

  /** @param {boolean} everywhere */
  async leave(everywhere) {
    await this.person.signOut(everywhere)
    this.#page.say(t('signedOut'), 'news')
  }

  /**
   * The server refused an edit, since nobody is signed in here.
   * @returns {string} why, in a sentence
   */
  refusedAsNobody() {
    const wasIn = this.isSignedIn
    this.person.ended()
    return t(wasIn ? 'sessionEnded' : 'signInToPaint')
  }

  /**
   * Show the error in the panel.
   * @param {string} trouble
   */
  fail(trouble) {
    this.trouble = trouble
    this.show()
  }

  /** Open the panel, or show what it has to say now. */
  show() {
    if (this.#shown) this.#render()
    else if (this.#page.panel().open !== 'people') void this.#page.panel().toggle('people')
  }

  /**
   * Fill the panel.
   * @param {HTMLElement} body
   * @returns {() => void} ends it
   */
  mount(body) {
    this.#shown = { body, isIn: null, tick() {} }
    this.#render()
    return () => {
      this.#shown = null
      this.trouble = ''
      this.typed = {}
      this.waiting = null
    }
  }

  #render() {
    const shown = this.#shown
    if (!shown) return
    const hadFocus = element('panel').contains(document.activeElement)
    const isIn = this.isSignedIn
    element('panel-title').textContent = t(isIn ? 'whoYouAre' : 'people')
    if (shown.isIn !== isIn) shown.body.scrollTop = 0 // new content begins at its top
    shown.isIn = isIn
    shown.tick = isIn ? mountCard(shown.body, this, this.#page) : mountSignIn(shown.body, this)
    if (hadFocus) ((!isIn && shown.body.querySelector('input')) || element('panel-title')).focus()
  }

  /**
   * @param {Me} me
   * @param {Me | null} before
   */
  #changed(me, before) {
    this.gotInfo()
    // After signing out the page must not show what only signed-in people may see.
    if (before?.signedIn && !me.signedIn && this.signIn.toSee) return location.reload()
    if (me.signedIn && this.#page.isRefused()) this.#page.probe()
    this.#page.gotRoles(me.roles)
    if (me.signedIn && this.#shown && !before?.signedIn) this.trouble = ''
    this.#render()
    this.#page.refresh()
  }
}

const NO_SIGN_IN = Object.freeze({ mode: 'open', required: false, toSee: false, join: false, codes: false, providers: [] })

/** @param {string} reason  from the address, as the server gave it */
function failureOf(reason) {
  const known = FAILURES.find((one) => one === reason)
  return t(known ? `failed_${known}` : 'failed')
}
