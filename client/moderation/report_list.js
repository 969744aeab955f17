/**
 * What people have reported, newest first: the place, as it was then, and what they said of it; seen, or done.
 */

import { ago } from '../past/pixel_card.js'
import '../past/texts.js'
import { make } from '../page/elements.js'
import { named } from '../page/named.js'
import { ask, Refusal } from '../people/asking.js'
import { t } from '../words/language.js'
import { whyNot } from './asking.js'
import { keepingFocus } from './focus.js'
import { nameOf } from './painters.js'
import './texts.js'

/** @typedef {import('../view/area.js').Rectangle} Rectangle */

/**
 * @typedef {object} Report
 * @property {number} id
 * @property {string} time  RFC 3339
 * @property {[number, number, number, number]} area
 * @property {string} text
 * @property {string} author
 * @property {'new' | 'seen' | 'done'} state
 * @property {{ png: string }} picture  base64
 */

const LIMIT = 10
const NEXT = /** @type {const} */ ({ new: ['seen', 'done'], seen: ['done'], done: [] })

export class ReportList {
  node
  #show
  #list = make('ol', { className: 'reports' })
  #more = make('button', { type: 'button', hidden: true, onclick: () => void this.#load() }, t('mod_earlierActs'))
  #trouble = make('p', { className: 'trouble', role: 'alert', hidden: true })
  #next = /** @type {number | null} */ (null)

  /** @param {(area: Rectangle) => void} show  have the area chosen, and look at it */
  constructor(show) {
    this.#show = show
    this.node = make('section', {}, make('h3', {}, t('mod_reports')), this.#trouble, this.#list, this.#more)
    void this.#load()
  }

  #load() {
    const before = this.#next
    return this.#try(async () => {
      const { reports, next } = await ask(`reports?limit=${LIMIT}${before === null ? '' : `&before=${before}`}`)
      const entries = reports.map((/** @type {Report} */ report) => this.#entry(report))
      if (before === null) this.#list.replaceChildren(...(entries.length ? entries : [make('li', {}, t('mod_noReports'))]))
      else this.#list.append(...entries)
      this.#next = typeof next === 'number' ? next : null
      this.#more.hidden = this.#next === null
    })
  }

  /**
   * @param {Report} report
   * @returns {HTMLElement}
   */
  #entry(report) {
    const { area: [x, y, width, height], author, picture, state, text, time } = report
    const at = new Date(time)
    const when = make('time', { dateTime: time, title: at.toLocaleString() }, ago(at.getTime(), Date.now()))
    const entry = make('li', {})
    const set = (/** @type {'seen' | 'done'} */ wanted) => () => void this.#try(async () => {
      await ask(`reports/${report.id}`, { state: wanted })
      keepingFocus(entry, () => entry.replaceChildren(...this.#entry({ ...report, state: wanted }).childNodes))
    })
    const look = make('button', { type: 'button', onclick: () => this.#show({ x, y, width, height }) }, t('mod_lookThere'))
    const marks = NEXT[state].map((wanted) => make('button', { type: 'button', onclick: set(wanted) }, t(`mod_report_${wanted}`)))
    entry.append(
      make('p', {}, make('strong', {}, t(`mod_report_${state}`)), ' ', when, ' · ', ...named('mod_by', nameOf({ author }))),
      make('p', { className: 'said', dir: 'auto' }, text),
      make('img', { src: `data:image/png;base64,${picture.png}`, alt: t('mod_reportPicture', { x, y }) }),
      make('div', { className: 'row' }, look, ...marks)
    )
    return entry
  }

  /** @param {() => Promise<void>} act */
  async #try(act) {
    this.#trouble.hidden = true
    try {
      await act()
    } catch (error) {
      if (error instanceof Refusal && error.status === 404 && !this.#list.children.length) this.node.hidden = true // an older server
      this.#trouble.textContent = whyNot(error)
      this.#trouble.hidden = false
    }
  }
}
