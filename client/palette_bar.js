/**
 * The palette: one radio button per colour, so that Tab, arrow keys and screen readers work as everywhere.
 */

export class PaletteBar {
  #element
  #color = 0
  #palette = /** @type {string[]} */ ([])

  /** @param {HTMLElement} element  a fieldset's inside */
  constructor(element) {
    this.#element = element
    element.addEventListener('change', (event) => {
      if (event.target instanceof HTMLInputElement) this.#color = Number(event.target.value)
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
   * Offer these colours. The choice stays where the palette is as long.
   *
   * @param {string[]} palette  '#rrggbb'
   * @param {string[]} names
   */
  offer(palette, names) {
    // A fresh canvas is all blank colour: start with one that is seen.
    if (this.#palette.length !== palette.length) this.#color = Math.min(palette.length - 1, 5)
    this.#palette = palette
    this.#element.replaceChildren(...palette.map((color, index) => this.#swatch(index, color, names[index])))
    this.#element.classList.toggle('many', palette.length > 36)
  }

  /**
   * @param {number} index
   * @param {string} color
   * @param {string} name
   */
  #swatch(index, color, name) {
    const input = document.createElement('input')
    input.type = 'radio'
    input.name = 'color'
    input.value = String(index)
    input.checked = index === this.#color
    input.setAttribute('aria-label', name)
    input.title = name
    input.style.setProperty('--color', color)
    return input
  }
}
