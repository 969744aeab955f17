/**
 * What a host decides beside: when the canvas takes edits, what everybody is told, and how large it is.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import { label } from './act_form.js'
import { perform, whyNotDone } from './asking.js'
import './texts.js'
import { untilDone } from './under_way.js'

/** @typedef {import('./request.js').ActRequest} ActRequest */

const MOST_SIDE = 4096
const MOST_TEXT = 500 // as the server takes

/**
 * @param {object} page
 * @param {() => { width: number, height: number } | null} page.canvas
 * @param {() => void} page.done  an act was done
 */
export function eventForm(page) {
  const result = make('div', { className: 'answer', role: 'status' })
  const tell = (/** @type {HTMLElement[]} */ ...told) => result.replaceChildren(...told)
  const section = make('section', { className: 'event' })

  /** @param {ActRequest | null} act  null: what it takes is missing */
  const attempt = async (act) => {
    if (section.ariaBusy === 'true') return
    section.ariaBusy = 'true'
    try {
      if (act) await untilDone(perform(act), tell)
      tell(make('p', {}, t(act ? 'mod_doneSimply' : 'mod_noTime')))
    } catch (error) {
      tell(make('p', { className: 'trouble' }, whyNotDone(error)))
    } finally {
      if (act) page.done()
      section.ariaBusy = 'false'
    }
  }

  section.append(make('h3', {}, t('mod_event')), ...gate(attempt), ...announcement(attempt), ...larger(page, attempt), result)
  return section
}

/** @param {(act: ActRequest | null) => Promise<void>} attempt */
function gate(attempt) {
  const at = make('input', { type: 'datetime-local' })
  const now = (/** @type {string} */ kind) => () => void attempt({ kind })
  const planned = (/** @type {string} */ kind) => () => {
    const time = timeOf(at)
    void attempt(time === null ? null : { kind, at: time })
  }
  return [
    row(button('mod_openNow', now('open')), button('mod_closeNow', now('close'))),
    label('mod_planAt', at),
    row(button('mod_planOpen', planned('open')), button('mod_planClose', planned('close')))
  ]
}

/** @param {(act: ActRequest | null) => Promise<void>} attempt */
function announcement(attempt) {
  const text = make('input', { type: 'text', required: true, maxLength: MOST_TEXT })
  const until = make('input', { type: 'datetime-local' })
  return [form([label('mod_announcement', text), label('mod_until', until)], 'mod_announceIt', () => {
    const time = until.value ? timeOf(until) : undefined
    return attempt(time === null ? null : { kind: 'announce', text: text.value.trim(), until: time ?? null })
  })]
}

/**
 * @param {{ canvas: () => { width: number, height: number } | null }} page
 * @param {(act: ActRequest | null) => Promise<void>} attempt
 */
function larger(page, attempt) {
  const { width: nowWide, height: nowHigh } = page.canvas() ?? { width: 1, height: 1 }
  const side = (/** @type {number} */ now) => make('input', { type: 'number', required: true, min: `${now}`, max: `${MOST_SIDE}`, value: `${now}` })
  const [width, height] = [side(nowWide), side(nowHigh)]
  const colors = /** @type {HTMLInputElement[]} */ ([])
  const list = make('div', { className: 'row' })
  const add = button('mod_addColor', () => {
    const color = make('input', { type: 'color', ariaLabel: t('mod_colorToAdd', { number: colors.length + 1 }) })
    colors.push(color)
    list.append(color)
    color.focus()
  })
  const sides = make('div', { className: 'fields' }, label('mod_growWidth', width), label('mod_growHeight', height))
  return [form([make('strong', {}, t('mod_growTo')), sides, list, add], 'mod_growIt', () =>
    attempt({ kind: 'grow', width: width.valueAsNumber, height: height.valueAsNumber, ...(colors.length && { colors: colors.map(({ value }) => value) }) })
  )]
}

/**
 * @param {HTMLElement[]} fields
 * @param {import('../words/language.js').TextKey} go
 * @param {() => Promise<void>} submit
 */
function form(fields, go, submit) {
  const made = make('form', {}, ...fields, make('button', { type: 'submit' }, t(go)))
  made.addEventListener('submit', (event) => {
    event.preventDefault()
    void submit()
  })
  return made
}

/**
 * @param {import('../words/language.js').TextKey} key
 * @param {() => void} onclick
 */
function button(key, onclick) {
  return make('button', { type: 'button', onclick }, t(key))
}

/** @param {...HTMLElement} children */
function row(...children) {
  return make('div', { className: 'row' }, ...children)
}

/**
 * The reader's own time, as RFC 3339; null for none, or one that has passed.
 * @param {HTMLInputElement} field
 */
function timeOf(field) {
  const time = new Date(field.value)
  return time.getTime() > Date.now() ? time.toISOString() : null
}
