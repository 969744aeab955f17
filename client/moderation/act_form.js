/**
 * A moderator's act on an area or on authors: choose it, preview it, do it.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import { perform, preview, whyNot, whyNotDone } from './asking.js'
import { clickedOnce } from './double_click.js'
import { show } from './list_status.js'
import { listPainters } from './painters.js'
import { actOf, Missing } from './request.js'
import './texts.js'
import { untilDone } from './under_way.js'

/** @typedef {import('./request.js').Chosen} Chosen */
/** @typedef {import('../words/language.js').TextKey} TextKey */

const KINDS = /** @type {const} */ (['restore', 'wipe', 'stamp', 'protect', 'ban', 'unban'])
const PAINTING = /** @type {readonly string[]} */ (['restore', 'wipe', 'stamp']) // the acts that have a preview
const EVERYBODYS = /** @type {readonly string[]} */ (['wipe', 'stamp'])
const ANYWHERE = /** @type {readonly string[]} */ (['ban', 'unban'])
const HOURS = /** @type {const} */ (['1', '24', '168', 'good'])
const MOST_REASON = 200

export class ActForm {
  node
  #page
  #kind
  #to
  #minutes = make('input', { type: 'number', min: '1', value: '60' })
  #color
  #file = make('input', { type: 'file', accept: 'image/png', onchange: () => this.#nameFile() })
  #fileName = make('bdi', {})
  #hours
  #reason = make('input', { type: 'text', maxLength: MOST_REASON })
  #everybody = make('p', {}, t('mod_everybodys'))
  #result = make('div', { className: 'result' })
  #buttons
  #fields

  /**
   * @param {object} page
   * @param {import('./area_part.js').AreaPart} page.area
   * @param {import('./painters.js').Authors} page.authors
   * @param {() => { width: number, height: number } | null} page.canvas
   * @param {() => string[]} page.colors  the palette's names
   * @param {() => number | null} page.moment  on the time line; null: the present
   * @param {() => Promise<unknown>} page.done  an act was done
   */
  constructor(page) {
    this.#page = page
    this.#kind = choices(KINDS, 'mod_act_', () => this.#show())
    this.#to = choices(/** @type {const} */ (['others', 'ago', 'moment']), 'mod_to_', () => this.#show())
    this.#color = make('select', {})
    this.#hours = choices(HOURS, 'mod_hours_', () => {})
    this.#fields = {
      to: label('mod_restoreTo', this.#to),
      minutes: label('mod_minutes', this.#minutes),
      color: label('color', this.#color),
      file: make('label', { className: 'file' }, t('mod_pictureFile'), this.#fileName, this.#file),
      hours: label('mod_banFor', this.#hours)
    }
    this.#buttons = {
      preview: make('button', { type: 'button', onclick: () => void this.#try(() => this.#preview()) }, t('mod_preview')),
      perform: clickedOnce(make('button', { type: 'submit', className: 'main' }, t('mod_doIt')))
    }
    this.#result.setAttribute('role', 'status')
    this.node = make('form', {}, label('mod_act', this.#kind), ...Object.values(this.#fields), label('mod_reason', this.#reason),
      this.#everybody, make('div', { className: 'row' }, this.#buttons.preview, this.#buttons.perform), this.#result)
    this.node.addEventListener('submit', (event) => {
      event.preventDefault()
      void this.#try(() => this.#perform(), whyNotDone)
    })
    this.grow()
    this.#show()
  }

  /** The palette may have more colours now. */
  grow() {
    const more = this.#page.colors().slice(this.#color.length)
    for (const name of more) this.#color.append(make('option', { value: `${this.#color.length}` }, name))
  }

  /**
   * Choose the kind of act.
   * @param {Chosen['kind']} kind
   */
  choose(kind) {
    this.#kind.value = kind
    this.#show()
  }

  /** Show who painted in the area. */
  who() {
    return this.#try(async () => {
      const area = this.#page.area.area
      if (!area) throw new Missing('mod_noArea')
      // A wipe would change all pixels that anybody has painted there.
      const found = await untilDone(preview({ kind: 'wipe', area: [area.x, area.y, area.width, area.height] }), this.#tell)
      this.#tell(make('p', {}, t('mod_painters', { count: found.pixels })), ...listPainters(found, this.#page.authors))
    })
  }

  #show() {
    const [kind, to] = [this.#kind.value, this.#to.value]
    const { fields, buttons } = { fields: this.#fields, buttons: this.#buttons }
    fields.to.hidden = kind !== 'restore'
    fields.minutes.hidden = kind !== 'restore' || to !== 'ago'
    fields.color.hidden = kind !== 'wipe'
    fields.file.hidden = kind !== 'stamp'
    fields.hours.hidden = kind !== 'ban'
    buttons.preview.hidden = !PAINTING.includes(kind)
    this.namedAuthors()
    this.#tell()
  }

  /** The named authors have changed: some acts apply to everybody's pixels, and the form says so before somebody relies on it. */
  namedAuthors() {
    this.#everybody.hidden = !EVERYBODYS.includes(this.#kind.value) || !this.#page.authors.chosen.length
  }

  #nameFile() {
    this.#fileName.textContent = this.#file.files?.[0]?.name ?? ''
    this.#tell()
  }

  async #chosen() {
    const hours = this.#hours.value
    const kind = this.#kind.value
    const chosen = /** @type {Chosen} */ ({
      kind,
      area: ANYWHERE.includes(kind) ? null : this.#page.area.area,
      authors: this.#page.authors.chosen,
      to: this.#to.value,
      moment: this.#page.moment(),
      minutes: this.#minutes.valueAsNumber,
      color: Number(this.#color.value),
      picture: await base64Of(this.#file.files?.[0]),
      hours: hours === 'good' ? null : Number(hours),
      reason: this.#reason.value.trim()
    })
    return actOf(chosen, this.#page.canvas() ?? { width: 0, height: 0 }, Date.now())
  }

  async #preview() {
    const found = await untilDone(preview(await this.#chosen()), this.#tell)
    const picture = found.png ? [make('img', { src: `data:image/png;base64,${found.png}`, alt: t('mod_previewPicture') })] : []
    await Promise.all(picture.map((one) => one.decode().catch(() => {}))) // so that its height is known when it is shown
    this.#tell(make('p', {}, t('mod_wouldChange', { count: found.pixels })), ...picture, ...listPainters(found, this.#page.authors))
  }

  async #perform() {
    const act = await this.#chosen()
    try {
      const { pixels } = await untilDone(perform(act), this.#tell)
      this.#tell(make('p', {}, PAINTING.includes(act.kind) ? t('mod_done', { count: pixels }) : t('mod_doneSimply')))
    } finally {
      void this.#page.done() // the record shows the result, even without an answer
    }
  }

  /**
   * One at a time: a double click must not do it twice.
   * @param {() => Promise<void>} act
   * @param {(error: unknown) => string} why
   */
  async #try(act, why = whyNot) {
    if (this.node.ariaBusy === 'true') return
    this.node.ariaBusy = 'true'
    try {
      await act()
    } catch (error) {
      this.#tell(make('p', { className: 'trouble' }, why(error)))
    } finally {
      this.node.ariaBusy = 'false'
    }
  }

  /** @param {...HTMLElement} told */
  #tell = (...told) => {
    show(this.#result, told)
  }
}

/**
 * @param {readonly string[]} values
 * @param {string} prefix  of their texts' keys
 * @param {() => void} onchange
 */
function choices(values, prefix, onchange) {
  return make('select', { onchange }, ...values.map((value) => make('option', { value }, t(/** @type {TextKey} */ (`${prefix}${value}`)))))
}

/**
 * @param {TextKey} key
 * @param {HTMLElement} field
 */
export function label(key, field) {
  return make('label', {}, t(key), field)
}

/**
 * @param {File | undefined} file
 * @returns {Promise<string>} '' without one
 */
async function base64Of(file) {
  if (!file) return ''
  const url = await new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(file)
  })
  return url.slice(url.indexOf(',') + 1)
}
