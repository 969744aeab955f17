/**
 * Reporting a place: a few words to the moderators, from a pixel's card.
 */

import { make } from '../page/elements.js'
import { isSaid } from '../page/said.js'
import { ask, Refusal, whyRefused } from '../people/asking.js'
import { duration } from '../words/duration.js'
import { t } from '../words/language.js'
import './texts.js'

const MOST_TEXT = 500 // as the server takes

/**
 * A button that becomes the form when somebody presses it.
 *
 * @param {{ x: number, y: number }} pixel
 * @returns {HTMLElement}
 */
export function reportForm({ x, y }) {
  const place = make('div', { className: 'report' })
  const text = make('textarea', { required: true, maxLength: MOST_TEXT, rows: 3 })
  const hint = make('small', { id: 'report-hint' }, t('reportHint'))
  const result = make('p', { role: 'status' })
  const send = make('button', { type: 'submit' }, t('reportSend'))
  const form = make('form', {}, make('label', {}, t('reportWhy'), text), hint, send, result)
  text.setAttribute('aria-describedby', hint.id)

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (send.ariaDisabled || !isSaid(text)) return
    send.ariaDisabled = 'true' // not `disabled`: the button would lose the focus
    try {
      await ask('reports', { x, y, text: text.value })
      const thanks = make('p', { tabIndex: -1 }, t('reported'))
      place.replaceChildren(thanks)
      thanks.focus()
    } catch (error) {
      result.textContent = whyNot(error)
      send.ariaDisabled = null
    }
  })
  place.append(make('button', {
    type: 'button',
    onclick() {
      place.replaceChildren(form)
      send.scrollIntoView({ block: 'nearest' })
      text.focus()
    }
  }, t('report')))
  return place
}

/** @param {unknown} error */
function whyNot(error) {
  if (error instanceof Refusal && error.parameter === 'text') return t('reportBadText')
  if (!(error instanceof Refusal) || error.status !== 429) return whyRefused(error)
  return [t('reportTooMany'), ...(error.seconds ? [t('tryAgainIn', { time: duration(error.seconds) })] : [])].join(' ')
}
