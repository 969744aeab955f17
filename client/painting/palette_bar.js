/**
 * The palette: one radio button per colour, so that Tab, arrow keys and screen readers work as everywhere.
 */

import { make } from '../page/elements.js'

export class PaletteBar {
  /** Called with each choice. */
  onChoose = () => {}
  #element
  #color = 0
  #palette = /** @type {string[]} */ ([])
  #names = /** @type {string[]} */ ([])
  #translate = (/** @type {string} */ name) => name

  /** @param {HTMLElement} element  a group of radio buttons */
  constructor(element) {
    this.#element = element
    element.addEventListener('change', (event) => {
      if (event.target instanceof HTMLInputElement) this.choose(Number(event.target.value))
    })
  }

  /** The chosen colour's palette index. */
  get color() {
    return this.#color
  }

  /** The colours as '#rrggbb'. */
  get palette() {
    return this.#palette
  }

  /**
   * The name of a colour; '' if there is no such colour.
   * @param {number | null} color
   */
  nameOf(color) {
    return this.#translate(this.#names[color ?? -1] ?? '')
  }

  /**
   * Choose a colour; nothing happens if there is no such colour.
   * @param {number} color
   */
  choose(color) {
    const swatch = this.#element.querySelectorAll('input')[color]
    if (!swatch) return
    this.#color = color
    swatch.checked = true
    swatch.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    this.onChoose()
  }

  /**
   * Choose the colour this many places further; after the last comes the first.
   * @param {number} places
   */
  step(places) {
    this.choose((this.#color + places + this.#palette.length) % this.#palette.length)
  }

  /**
   * Offer these colours. The choice stays if the palette has the same length.
   *
   * @param {string[]} palette  '#rrggbb'
   * @param {string[]} names  the server's names
   */
  offer(palette, names) {
    // A fresh canvas is all blank: start with a visible colour.
    if (this.#palette.length !== palette.length) this.#color = Math.min(palette.length - 1, 5)
    this.#palette = palette
    this.#names = names
    this.#element.replaceChildren(...palette.map((color, index) => this.#swatch(index, color)))
    this.#element.classList.toggle('some', palette.length > 16 && palette.length <= 36)
    this.#element.classList.toggle('many', palette.length > 36)
  }

  /**
   * Use translated names for the colours from now on.
   * @param {(name: string) => string} translate
   */
  call(translate) {
    this.#translate = translate
    for (const [index, swatch] of this.#element.querySelectorAll('input').entries()) this.#label(swatch, index)
  }

  /**
   * @param {number} index
   * @param {string} color
   */
  #swatch(index, color) {
    const input = make('input', { type: 'radio', name: 'color', value: `${index}`, checked: index === this.#color })
    this.#label(input, index)
    input.style.setProperty('--color', color)
    return input
  }

  /**
   * @param {HTMLInputElement} swatch
   * @param {number} index
   */
  #label(swatch, index) {
    swatch.ariaLabel = swatch.title = this.nameOf(index)
  }
}
