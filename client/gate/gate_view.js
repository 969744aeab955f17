/**
 * The gate on the page: the text in the palette's place while the canvas is closed, the countdown while it is open, and the
 * announcement. The page loads it when there is one of these.
 */

import { element, make } from '../page/elements.js'
import { language, t } from '../words/language.js'
import '../words/more_texts.js'
import { announcementOf, countdown, gateOf } from './gate.js'
import './texts.js'

/** @typedef {import('./gate.js').Gate} Gate */
/** @typedef {import('./gate.js').Notices} Notices */

const MOMENT = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
const CLOSING_MS = 86_400_000 // a canvas that closes next week needs no clock

export class Shown {
  #page
  #gate = /** @type {Gate | null} */ (null)
  #notices = /** @type {Notices} */ ({})
  #heading = make('strong', {})
  #time = make('span', { className: 'time' })
  #moment = make('span', { className: 'moment' })
  #film = make('button', { type: 'button', className: 'main', hidden: true }, t('watchFilm'))
  #card = make('div', { id: 'gate', hidden: true }, this.#heading, this.#time, this.#moment, this.#film)
  #closes = make('span', { id: 'closes', hidden: true })
  #words = make('span', { dir: 'auto' }) // a text by the host, in either writing direction
  #announcement = make('div', { id: 'announcement', className: 'card', hidden: true })
  #closed = '' // the announcement that the person has closed

  /** @param {import('./loader.js').Page} page */
  constructor(page) {
    this.#page = page
    document.head.append(make('link', { rel: 'stylesheet', href: new URL('gate.css', import.meta.url).href }))
    const close = make('button', { type: 'button', ariaLabel: t('close'), title: t('close') }, '×')
    close.addEventListener('click', () => this.#close())
    this.#announcement.role = 'status'
    this.#announcement.ariaLabel = t('announcement')
    this.#announcement.append(this.#words, close)
    this.#film.addEventListener('click', page.film)
    element('paints').append(this.#card)
    element('numbers').after(this.#closes)
    element('asks').prepend(this.#announcement)
  }

  /**
   * The host's notices have changed.
   *
   * @param {Notices} notices
   * @param {number} now
   */
  tell(notices, now) {
    const before = this.#gate
    this.#notices = notices
    this.#gate = gateOf(notices)
    document.documentElement.dataset.gate = this.#gate.isOpen ? 'open' : 'closed'
    if (before && before.isOpen !== this.#gate.isOpen) this.#page.say(t(this.#gate.isOpen ? 'nowOpen' : 'nowClosed'), 'news')
    this.tick(now)
  }

  /**
   * Time passes.
   * @param {number} now
   */
  tick(now) {
    this.#showAnnouncement(now)
    if (!this.#gate) return
    const { isOpen, opens, closes } = this.#gate
    this.#card.hidden = isOpen
    this.#closes.hidden = !isOpen || closes === null || closes - now > CLOSING_MS
    if (isOpen) {
      if (closes !== null) write(this.#closes, closes > now ? t('closesIn', { time: clock(closes, now) }) : t('closesSoon'))
      return
    }
    const isOver = opens === null && this.#page.isPainted()
    write(this.#heading, t(isOver ? 'finished' : opens === null ? 'closedHeading' : 'notYetOpen'))
    write(this.#time, opens === null ? '' : opens > now ? t('opensIn', { time: clock(opens, now) }) : t('opensSoon'))
    write(this.#moment, opens === null ? '' : MOMENT.format(opens))
    this.#film.hidden = !isOver
  }

  /**
   * Why nobody can paint now.
   * @param {number} now
   */
  whyNot(now) {
    const opens = this.#gate?.opens ?? null
    return opens === null || opens <= now ? t('closedNow') : `${t('closedNow')} ${t('opensIn', { time: clock(opens, now) })}.`
  }

  /** @param {number} now */
  #showAnnouncement(now) {
    const text = announcementOf(this.#notices, now)?.text ?? ''
    const isShown = text !== '' && text !== this.#closed
    if (isShown) write(this.#words, text)
    this.#announcement.hidden = !isShown
  }

  #close() {
    this.#closed = this.#words.textContent ?? ''
    this.#announcement.hidden = true
  }
}

/**
 * @param {number} moment
 * @param {number} now
 */
function clock(moment, now) {
  const left = countdown(moment, now)
  return left.days ? t('daysAndTime', left) : left.clock
}

/**
 * @param {HTMLElement} target
 * @param {string} text
 */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text
}
