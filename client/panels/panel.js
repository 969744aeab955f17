/**
 * The panel: a card at the side, on a phone a sheet from below, that shows one thing at a time. It isn't modal: painting
 * goes on beside it. Each content is loaded when it is first asked for.
 */

import { element, make } from '../page/elements.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'

/**
 * Fills the panel; what it returns is done at the end.
 * @typedef {(body: HTMLElement) => Promise<void | (() => void)>} Mount
 */

/** @typedef {'about' | 'templates' | 'share' | 'settings' | 'help' | 'people'} Name */

export class Panel {
  #contents
  #panel = element('panel')
  #body = element('panel-body')
  #title = element('panel-title')
  #open = /** @type {Name | ''} */ ('')
  #unmount = /** @type {void | (() => void)} */ (undefined)

  /** @param {Record<Name, Mount>} contents  by the id of the button that opens each, which is also its title's text */
  constructor(contents) {
    this.#contents = contents
    for (const name of /** @type {Name[]} */ (Object.keys(contents))) element(name).addEventListener('click', () => this.toggle(name))
    element('panel-close').addEventListener('click', () => this.close())
  }

  /** Which content is open; '' for none. */
  get open() {
    return this.#open
  }

  /**
   * Show this content, or close it if it is the one.
   * @param {Name} name
   */
  async toggle(name) {
    if (this.#open === name) return this.close()
    this.close()
    this.#open = name
    this.#title.textContent = t(name)
    this.#style()
    this.#panel.hidden = false
    element(name).setAttribute('aria-expanded', 'true')
    this.#title.focus()
    try {
      const unmount = await this.#contents[name](this.#body)
      if (this.#open === name) this.#unmount = unmount
      else unmount?.()
    } catch (error) {
      if (this.#open === name) this.close() // it wasn't to be had, which `later.js` has told
      throw error
    }
  }

  /** The panel's looks are loaded with the first content. */
  #style() {
    if (document.getElementById('panel-style')) return
    document.head.append(make('link', { id: 'panel-style', rel: 'stylesheet', href: new URL('panel.css', import.meta.url).href }))
  }

  /** Close what is open; the focus goes back to where it came from. */
  close() {
    if (!this.#open) return
    this.#unmount?.()
    this.#unmount = undefined
    const opener = element(this.#open)
    opener.setAttribute('aria-expanded', 'false')
    if (this.#panel.contains(document.activeElement)) opener.focus()
    this.#open = /** @type {Name | ''} */ ('')
    this.#panel.hidden = true
    this.#body.replaceChildren()
  }
}
