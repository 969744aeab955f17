/**
 * A pixel's card: its colour, when and by whom it was painted, its earlier colours, and a button for each of these moments.
 */

import { element, make } from '../page/elements.js'
import { named } from '../page/named.js'
import { language, t } from '../words/language.js'

const DATE = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
const AGO = new Intl.RelativeTimeFormat(language, { numeric: 'auto' })
const UNITS = /** @type {[Intl.RelativeTimeFormatUnit, number][]} */ ([
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1]
])
const EARLIER = 20 // edits a page

/** @typedef {import('../view/viewport.js').Point} Point */
/** @typedef {import('./source.js').PixelEdit} PixelEdit */

/**
 * @typedef {object} Page
 * @property {import('./source.js').Source} source
 * @property {() => string[]} palette
 * @property {(color: number) => string} nameOf
 * @property {(moment: number) => void} go  show that moment
 * @property {(edit: PixelEdit) => HTMLElement[]} buttons  of an edit, beside the one for its moment
 * @property {(pixel: Point) => HTMLElement[]} foot  the part below a pixel's past
 * @property {() => void} closed
 */

export class PixelCard {
  /** The card's pixel; null while it is closed. */
  pixel = /** @type {Point | null} */ (null)
  #page
  #card = make('section', { id: 'pixel-card', className: 'card', hidden: true, tabIndex: -1 })
  #asked = /** @type {AbortController | null} */ (null)

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
    this.#card.setAttribute('aria-label', t('aboutPixel'))
    this.#card.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return
      event.stopPropagation()
      this.close()
    })
    element('asks').append(this.#card)
  }

  /**
   * Show the card of a pixel.
   *
   * @param {Point} pixel
   * @param {number | null} before  only its edits before this version
   * @param {boolean} [focus]  somebody asked by key
   */
  async open(pixel, before, focus = false) {
    const asked = this.#ask()
    this.pixel = pixel
    this.#card.replaceChildren(this.#head(pixel), make('p', {}, t('loadingPast')))
    this.#card.hidden = false
    if (focus) this.#card.focus()
    try {
      const { edits, next } = await this.#page.source.pixel({ ...pixel, before, limit: 1 }, asked.signal)
      if (this.#asked !== asked) return
      this.#card.replaceChildren(this.#head(pixel), ...this.#present(edits[0]), ...(next === null ? [] : [this.#more(pixel, next)]), ...this.#page.foot(pixel))
    } catch (error) {
      if (this.#asked === asked) this.#card.replaceChildren(this.#head(pixel), make('p', {}, whyNot(error)), ...this.#page.foot(pixel))
    }
  }

  close() {
    if (!this.pixel) return
    const hadFocus = this.#card.contains(document.activeElement)
    this.#ask()
    this.pixel = null
    this.#card.hidden = true
    this.#card.replaceChildren()
    if (hadFocus) element('canvas').focus()
    this.#page.closed()
  }

  /** Ignore answers to earlier requests. */
  #ask() {
    this.#asked?.abort()
    return (this.#asked = new AbortController())
  }

  /** @param {Point} pixel */
  #head({ x, y }) {
    const close = make('button', { type: 'button', ariaLabel: t('close'), title: t('close'), onclick: () => this.close() }, '×')
    return make('header', {}, make('strong', {}, t('pixelAt', { x: `${x}`, y: `${y}` })), close)
  }

  /** @param {PixelEdit | undefined} edit */
  #present(edit) {
    return edit ? [make('p', { className: 'edit' }, ...this.#words(edit))] : [make('p', {}, t('neverPainted'))]
  }

  /**
   * @param {Point} pixel
   * @param {number} before
   */
  #more(pixel, before) {
    const list = make('ol', {})
    const more = make('button', { type: 'button' }, t('earlierEdits'))
    let next = /** @type {number | null} */ (before)
    more.addEventListener('click', async () => {
      const asked = this.#ask()
      more.disabled = true
      try {
        const page = await this.#page.source.pixel({ ...pixel, before: next, limit: EARLIER }, asked.signal)
        if (this.#asked !== asked) return
        list.append(...page.edits.map((edit) => make('li', { className: 'edit' }, ...this.#words(edit))))
        next = page.next
        more.hidden = next === null
        if (more.hidden) list.querySelector('button')?.focus()
      } catch (error) {
        if (this.#asked === asked) list.append(make('li', {}, whyNot(error)))
      }
      more.disabled = false
    })
    return make('div', { className: 'earlier' }, list, more)
  }

  /**
   * @param {PixelEdit} edit
   * @returns {(Node | string)[]}
   */
  #words(edit) {
    const { color, time, author, name, act } = edit
    const swatch = make('span', { className: 'swatch', ariaHidden: 'true' })
    swatch.style.background = this.#page.palette()[color] ?? 'none'
    const when = make('time', { dateTime: new Date(time).toISOString(), title: DATE.format(time) }, ago(time, Date.now()))
    const painter = name ?? (author && pseudonym(author))
    const who = act !== null ? [t('byModerators')] : painter ? named('by', painter) : []
    const see = make('button', { type: 'button', onclick: () => this.#page.go(time) }, t('seeMoment'))
    return [swatch, make('span', {}, this.#page.nameOf(color), ' · ', when, ...(who.length ? [' · ', ...who] : [])), see, ...this.#page.buttons(edit)]
  }
}

/**
 * An author's public name: short enough to recognise at a glance.
 * @param {string} author  16 hex digits
 */
export function pseudonym(author) {
  return author.slice(0, 6)
}

/**
 * How long ago, in words.
 *
 * @param {number} time  ms since the epoch
 * @param {number} now
 */
export function ago(time, now) {
  const seconds = Math.round((time - now) / 1000)
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS[UNITS.length - 1]
  return AGO.format(Math.trunc(seconds / size), unit)
}

/** @param {unknown} error */
function whyNot(error) {
  return t(/** @type {{ status?: number }} */ (Object(Object(error).refusal)).status === 404 ? 'noHistory' : 'pastNotLoaded')
}
