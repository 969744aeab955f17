/**
 * A host's further decisions: when the canvas takes edits, the announcement, and the canvas's size.
 */

import { make } from '../page/elements.js'
import { isSaid } from '../page/said.js'
import { t } from '../words/language.js'
import { label } from './act_form.js'
import { perform, whyNotDone } from './asking.js'
import { clickedOnce } from './double_click.js'
import { show } from './list_status.js'
import './texts.js'
import { untilDone } from './under_way.js'

/** @typedef {import('./request.js').ActRequest} ActRequest */
/** @typedef {(act: ActRequest | null) => Promise<boolean>} Attempt  whether it is done; an act that is null lacks what it takes */

const MOST_SIDE = 4096
const MOST_TEXT = 500 // as the server takes

/**
 * @param {object} page
 * @param {() => { width: number, height: number } | null} page.canvas
 * @param {() => Promise<unknown>} page.done  an act was done
 * @returns {{ node: HTMLElement, grow: () => void }}  `grow`: the canvas may have become larger
 */
export function eventForm(page) {
  const result = make('div', { className: 'answer', role: 'status' })
  const tell = (/** @type {HTMLElement[]} */ ...told) => show(result, told)
  const section = make('section', { className: 'event' })

  /** @type {Attempt} */
  const attempt = async (act) => {
    if (section.ariaBusy === 'true') return false
    section.ariaBusy = 'true'
    try {
      if (act) await untilDone(perform(act), tell)
      tell(make('p', {}, t(act ? 'mod_doneSimply' : 'mod_noTime')))
      return act !== null
    } catch (error) {
      tell(make('p', { className: 'trouble' }, whyNotDone(error)))
      return false
    } finally {
      if (act) void page.done()
      section.ariaBusy = 'false'
    }
  }

  const size = larger(page, attempt)
  section.append(make('h3', {}, t('mod_event')), ...gate(attempt), ...announcement(attempt), size.node, result)
  return { node: section, grow: size.grow }
}

/** @param {Attempt} attempt */
function gate(attempt) {
  const at = make('input', { type: 'datetime-local' })
  const now = (/** @type {string} */ kind) => () => void attempt({ kind })
  const planned = (/** @type {string} */ kind) => () => {
    const time = timeOf(at)
    void attempt(time === null ? null : { kind, at: time })
  }
  return [
    row(clickedOnce(button('mod_openNow', now('open'))), clickedOnce(button('mod_closeNow', now('close')))),
    label('mod_planAt', at),
    row(clickedOnce(button('mod_planOpen', planned('open'))), clickedOnce(button('mod_planClose', planned('close'))))
  ]
}

/** @param {Attempt} attempt */
function announcement(attempt) {
  const text = make('input', { type: 'text', required: true, maxLength: MOST_TEXT })
  const until = make('input', { type: 'datetime-local' })
  return [form([label('mod_announcement', text), label('mod_until', until)], 'mod_announceIt', async () => {
    if (!isSaid(text)) return
    const time = until.value ? timeOf(until) : undefined
    await attempt(time === null ? null : { kind: 'announce', text: text.value, until: time ?? null })
  })]
}

/**
 * @param {{ canvas: () => { width: number, height: number } | null }} page
 * @param {Attempt} attempt
 */
function larger(page, attempt) {
  const side = () => make('input', { type: 'number', required: true, max: `${MOST_SIDE}` })
  const [width, height] = [side(), side()]
  let colors = /** @type {HTMLInputElement[]} */ ([])
  const list = make('div', { className: 'row' })
  const add = button('mod_addColor', () => {
    const color = make('input', { type: 'color', ariaLabel: t('mod_colorToAdd', { number: colors.length + 1 }) })
    colors.push(color)
    list.append(color)
    color.focus()
  })
  const sides = make('div', { className: 'fields' }, label('mod_growWidth', width), label('mod_growHeight', height))
  const grow = () => {
    const now = page.canvas() ?? { width: 1, height: 1 }
    beAtLeast(width, now.width)
    beAtLeast(height, now.height)
  }
  grow()
  const node = form([make('strong', {}, t('mod_growTo')), sides, list, add], 'mod_growIt', async () => {
    const added = colors.length && { colors: colors.map(({ value }) => value) }
    if (!(await attempt({ kind: 'grow', width: width.valueAsNumber, height: height.valueAsNumber, ...added }))) return
    colors = [] // the next time must not add them once more
    list.replaceChildren()
  })
  return { node, grow }
}

/**
 * @param {HTMLInputElement} side  of the canvas; a typed value stays
 * @param {number} least  as it is
 */
function beAtLeast(side, least) {
  if (side.value === side.min) side.value = `${least}`
  side.min = `${least}`
}

/**
 * @param {HTMLElement[]} fields
 * @param {import('../words/language.js').TextKey} go
 * @param {() => Promise<unknown>} submit
 */
function form(fields, go, submit) {
  const made = make('form', {}, ...fields, clickedOnce(make('button', { type: 'submit' }, t(go))))
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
 * The reader's own time, as RFC 3339; null for no time, or a past one.
 * @param {HTMLInputElement} field
 */
function timeOf(field) {
  const time = new Date(field.value)
  return time.getTime() > Date.now() ? time.toISOString() : null
}
