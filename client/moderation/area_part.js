/**
 * The area of an act: chosen by dragging over the canvas, by finger or mouse, or by its numbers; shown on the canvas.
 */

import { AreaChoice } from '../view/area.js'
import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import { areaOf } from './request.js'
import './texts.js'

/** @typedef {import('../view/area.js').Rectangle} Rectangle */
/** @typedef {import('./request.js').Missing} Missing */

const NAMES = /** @type {const} */ (['x', 'y', 'width', 'height'])

export class AreaPart {
  /** The layer that shows it. */
  node
  #page
  #choice = new AreaChoice()
  #fields
  #drag = make('button', { type: 'button', ariaPressed: 'false', onclick: () => void this.#choose() }, t('mod_dragArea'))

  /**
   * @param {object} page
   * @param {() => { width: number, height: number } | null} page.canvas
   * @param {(choice: AreaChoice) => void} page.choose  let drags on the canvas choose
   * @param {() => void} page.invalidate
   * @param {(text: string, kind: 'news' | 'trouble') => void} page.say
   */
  constructor(page) {
    this.#page = page
    page.choose(this.#choice)
    this.#fields = NAMES.map((name) => make('input', { type: 'number', min: name === 'x' || name === 'y' ? '0' : '1', name, oninput: () => this.#show() }))
    const whole = make('button', { type: 'button', onclick: () => this.#whole() }, t('mod_wholeCanvas'))
    const labels = this.#fields.map((field) => make('label', {}, t(/** @type {any} */ (`area_${field.name}`)), field))
    this.node = make('fieldset', {}, make('legend', {}, t('mod_area')), make('div', { className: 'row' }, this.#drag, whole), make('div', { className: 'fields' }, ...labels))
  }

  /**
   * The chosen area; null without one.
   * @throws {Missing} the canvas has no such one
   */
  get area() {
    const typed = this.#fields.map((field) => (field.validity.badInput ? 'no number' : field.value))
    return areaOf(typed, this.#page.canvas() ?? { width: 0, height: 0 })
  }

  /**
   * Choose this area.
   * @param {Rectangle} area
   */
  choose(area) {
    this.#choice.cancel()
    this.#fill(area)
  }

  /** Wait for no drag any more, and show nothing. */
  end() {
    this.#choice.cancel()
    this.#page.invalidate()
  }

  async #choose() {
    if (this.#choice.waiting) return this.#choice.cancel()
    this.#page.say(t('dragAnArea'), 'news')
    this.#isChoosing(true)
    const area = await this.#choice.choose()
    this.#isChoosing(false)
    if (area) this.#fill(area)
    else this.#show()
  }

  /** @param {boolean} is */
  #isChoosing(is) {
    this.#drag.setAttribute('aria-pressed', String(is))
    document.body.toggleAttribute('data-choosing', is)
  }

  #whole() {
    const canvas = this.#page.canvas()
    if (canvas) this.#fill({ x: 0, y: 0, width: canvas.width, height: canvas.height })
  }

  /** @param {Rectangle} area */
  #fill(area) {
    for (const [at, name] of NAMES.entries()) this.#fields[at].value = String(area[name])
    this.#show()
  }

  #show() {
    try {
      this.#choice.area = this.area
    } catch {
      this.#choice.area = null // while it is being typed
    }
    this.#page.invalidate()
  }
}
