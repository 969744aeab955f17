/**
 * The effects of a tap, a drag or a key on the canvas: paints, asks first, zooms in if pixels are too small to aim at, draws
 * lines, or picks a colour.
 */

import { element } from '../page/elements.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'
import { line, pixelAt } from '../view/viewport.js'

/** @typedef {import('../view/viewport.js').Point} Point */

/** Nobody can aim at pixels smaller than this, in CSS pixels. */
const MIN_PAINT_SCALE = { mouse: 3, touch: 8 }
const AIMED_SCALE = 20
const SLOW_CHARGE_MS = 10_000 // a slip of the finger that costs this much is worth a question

export class Brush {
  /** The pixel that waits to be confirmed. */
  target = /** @type {Point | null} */ (null)
  /** Whether one finger, or the mouse, draws instead of moving the canvas. */
  drawing = false
  #page
  #pen = /** @type {Point | null} */ (null)

  /**
   * @param {object} page
   * @param {import('../view/screen.js').Screen} page.screen
   * @param {import('./painting.js').Painting} page.painting
   * @param {import('./palette_bar.js').PaletteBar} page.palette
   * @param {import('./cooldown.js').CooldownClock} page.cooldown
   * @param {import('../page/settings.js').Settings} page.settings
   * @param {import('../templates/loader.js').TemplateLoader} page.templates
   * @param {(text: string, kind: 'news' | 'trouble') => void} page.say
   * @param {() => void} page.refresh
   */
  constructor(page) {
    this.#page = page
    element('draw').addEventListener('click', () => this.toggleDrawing())
    element('confirm-yes').addEventListener('click', () => this.answer(true))
    element('confirm-no').addEventListener('click', () => this.answer(false))
  }

  /**
   * The canvas pixel at a place on the screen; null beside the canvas.
   * @param {Point} at  CSS pixels
   */
  pixelAt(at) {
    const { canvas, view } = this.#page.screen
    return canvas && pixelAt(view, at, canvas)
  }

  /**
   * @param {Point} at  CSS pixels
   * @param {boolean} touch
   * @returns {boolean}  whether it was meant to paint
   */
  tap(at, touch) {
    const { screen, say } = this.#page
    const pixel = this.pixelAt(at)
    const isAimed = pixel !== null && screen.view.scale >= MIN_PAINT_SCALE[touch ? 'touch' : 'mouse']
    if (isAimed) this.wish(pixel, touch)
    else if (pixel) {
      screen.zoom(AIMED_SCALE / screen.view.scale, at, true)
      say(t('zoomedIn'), 'news')
    }
    return isAimed
  }

  /**
   * Paint, or ask first.
   *
   * @param {Point} pixel
   * @param {boolean} [touch]
   */
  wish(pixel, touch = false) {
    const { settings, cooldown, painting, say, refresh } = this.#page
    const { confirm } = settings.values
    const asks = confirm === 'always' || (confirm === 'auto' && touch && cooldown.chargeMs >= SLOW_CHARGE_MS)
    const refusal = asks && painting.whyNot()
    if (refusal) say(refusal, 'trouble')
    else if (asks) this.target = pixel
    else painting.paint(pixel)
    refresh()
  }

  /**
   * Answer the page's question with yes or no.
   *
   * @param {boolean} yes
   * @returns {boolean} whether anything was asked
   */
  answer(yes) {
    const pixel = this.target
    this.target = null
    if (pixel && yes) this.#page.painting.paint(pixel)
    this.#page.refresh()
    return pixel !== null
  }

  /** Say the open question, if there is one. */
  show() {
    const { palette } = this.#page
    const { target } = this
    element('confirm').hidden = !target
    // As text: the language's separators in numbers would make the two hard to tell apart.
    if (target) element('target').textContent = t('target', { x: `${target.x}`, y: `${target.y}`, color: palette.nameOf(palette.color) })
  }

  /**
   * Choose the colour of a pixel: the one that a template wants there, else the canvas' own.
   * @param {Point | null} pixel
   */
  pick(pixel) {
    const { screen, palette, templates } = this.#page
    const color = pixel && (templates.wanted(pixel.x, pixel.y) ?? screen.canvas?.at(pixel.x, pixel.y))
    if (typeof color === 'number') palette.choose(color)
  }

  /** Have drags draw, or move the canvas again. */
  toggleDrawing() {
    this.drawing = !this.drawing
    element('draw').setAttribute('aria-pressed', String(this.drawing))
    this.#page.say(t(this.drawing ? 'drawOn' : 'drawOff'), 'news')
  }

  /**
   * A stroke of the pen.
   *
   * @param {Point} at  CSS pixels
   * @param {'start' | 'move' | 'end'} phase
   */
  draw({ x, y }, phase) {
    const { painting, screen } = this.#page
    const { view, canvas } = screen
    const to = { x: Math.floor(view.left + x / view.scale), y: Math.floor(view.top + y / view.scale) }
    if (phase === 'start') painting.beginStroke()
    if (canvas) painting.stroke(line(this.#pen ?? to, to).filter((p) => p.x >= 0 && p.y >= 0 && p.x < canvas.width && p.y < canvas.height))
    this.#pen = phase === 'end' ? null : to
  }
}
