/**
 * The panel: a card at the side, on a phone a sheet from below, that shows one content at a time. It isn't modal: people can
 * paint beside it. The page loads each content at its first use.
 */

import { element, make } from '../page/elements.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'

/** @typedef {import('../words/language.js').TextKey} TextKey */

/**
 * Fills the panel; it may return a function to call at the end.
 * @typedef {(body: HTMLElement) => Promise<void | (() => void)>} Mount
 */

/** @typedef {'about' | 'templates' | 'share' | 'settings' | 'help' | 'people'} Name */
/** @typedef {Name | 'moderation'} AnyName  with what not everybody has */

export class Panel {
  #contents
  #titles = /** @type {Partial<Record<AnyName, TextKey>>} */ ({})
  #panel = element('panel')
  #body = element('panel-body')
  #title = element('panel-title')
  #open = /** @type {AnyName | ''} */ ('')
  #unmount = /** @type {void | (() => void)} */ (undefined)

  /** @param {Record<Name, Mount>} contents  by the id of the button that opens each, which is also its title's text */
  constructor(contents) {
    this.#contents = /** @type {Partial<Record<AnyName, Mount>>} */ ({ ...contents })
    for (const name of /** @type {Name[]} */ (Object.keys(contents))) element(name).addEventListener('click', () => this.toggle(name))
    element('panel-close').addEventListener('click', () => this.close())
  }

  /**
   * Add a content whose button is already on the page.
   *
   * @param {'moderation'} name
   * @param {TextKey} title
   * @param {Mount} mount
   */
  add(name, title, mount) {
    this.#contents[name] = mount
    this.#titles[name] = title
    element(name).addEventListener('click', () => this.toggle(name))
  }

  /** Which content is open; '' for none. */
  get open() {
    return this.#open
  }

  /**
   * Show this content, or close it if it is open.
   * @param {AnyName} name
   */
  async toggle(name) {
    const mount = this.#contents[name]
    if (!mount || this.#open === name) return this.close()
    this.close()
    this.#open = name
    this.#title.textContent = t(this.#titles[name] ?? /** @type {Name} */ (name))
    this.#style()
    this.#panel.hidden = false
    element(name).setAttribute('aria-expanded', 'true')
    this.#title.focus()
    try {
      const unmount = await mount(this.#body)
      if (this.#open === name) this.#unmount = unmount
      else unmount?.()
    } catch (error) {
      if (this.#open === name) this.close() // it could not be loaded, which later.js has told the person
      throw error
    }
  }

  /** The panel's styles, loaded with the first content. */
  #style() {
    if (document.getElementById('panel-style')) return
    document.head.append(make('link', { id: 'panel-style', rel: 'stylesheet', href: new URL('panel.css', import.meta.url).href }))
  }

  /** Close the open content; the focus goes back to where it came from. */
  close() {
    if (!this.#open) return
    this.#unmount?.()
    this.#unmount = undefined
    const opener = element(this.#open)
    opener.setAttribute('aria-expanded', 'false')
    if (this.#panel.contains(document.activeElement)) opener.focus()
    this.#open = /** @type {AnyName | ''} */ ('')
    this.#panel.hidden = true
    this.#body.replaceChildren()
  }
}
