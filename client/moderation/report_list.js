/**
 * People's reports, newest first: the place, as it was then, and the text; seen, or done.
 */

import { make } from '../page/elements.js'
import { named } from '../page/named.js'
import { t } from '../words/language.js'
import { mark, reports, whyNot } from './asking.js'
import { nameOf } from './painters.js'
import { ShownList } from './shown_list.js'
import './texts.js'
import { when } from './when.js'

/** @typedef {import('../view/area.js').Rectangle} Rectangle */
/** @typedef {import('./asking.js').Report} Report */

const FIRST = 10
const NEXT = /** @type {const} */ ({ new: ['seen', 'done'], seen: ['done'], done: [] })

/** @extends {ShownList<Report>} */
export class ReportList extends ShownList {
  #look

  /** @param {(area: Rectangle) => void} look  choose the area, and show it */
  constructor(look) {
    super({ heading: 'mod_reports', none: 'mod_noReports', more: 'mod_earlierActs', className: 'reports' }, reports, FIRST)
    this.#look = look
  }

  /**
   * @override
   * @param {Report} report
   */
  entry({ id, area: [x, y, width, height], author, picture, state, text, time }) {
    const button = (/** @type {string} */ label, /** @type {() => void} */ onclick) => make('button', { type: 'button', value: `${id}`, onclick }, label)
    const look = button(t('mod_lookThere'), () => this.#look({ x, y, width, height }))
    const marks = NEXT[state].map((wanted) => button(t(`mod_report_${wanted}`), () => void this.#mark(id, wanted)))
    return make('li', {},
      make('p', {}, make('strong', {}, t(`mod_report_${state}`)), ' ', when(time), ' · ', ...named('mod_by', nameOf({ author }))),
      make('p', { className: 'said', dir: 'auto' }, text),
      make('img', { src: `data:image/png;base64,${picture.png}`, alt: t('mod_reportPicture', { x, y }) }),
      make('div', { className: 'row' }, look, ...marks)
    )
  }

  /**
   * @param {number} id
   * @param {'seen' | 'done'} state
   */
  #mark(id, state) {
    return this.attempt(async () => {
      await mark(id, state)
      await this.refresh()
    }, whyNot)
  }
}
