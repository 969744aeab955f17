/**
 * Loads templates, which most people never use, when somebody opens the panel, drops or pastes an image, when a link names
 * one, or if this browser keeps some. Until then all of this does nothing.
 */

import { t } from '../words/language.js'
import '../words/more_texts.js'
import { later } from '../page/later.js'
import { browserStorage } from '../page/settings.js'

/** @typedef {import('./templates.js').Templates} Templates */
/** @typedef {Omit<import('./index.js').Page, 'keeps'>} Page */

/** The note that this browser keeps some, so that a page without any doesn't load all this to find out. */
const KEY = 'placed.templates'

export class TemplateLoader {
  #page
  #load
  #templates = /** @type {Templates | null} */ (null)

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
    this.#load = later(() => this.#create(), page.say)
    addEventListener('dragover', (event) => event.preventDefault())
    addEventListener('drop', (event) => this.#take(event, event.dataTransfer))
    addEventListener('paste', (event) => this.#take(event, event.clipboardData))
    if (browserStorage()?.getItem(KEY)) void this.#load()
  }

  /** @type {import('../view/screen.js').Layer} */
  layer = (...drawing) => this.#templates?.layer(...drawing)

  /** The page shows another canvas or palette. */
  canvasChanged() {
    this.#templates?.canvasChanged()
  }

  /**
   * These edits are about to be applied.
   * @param {Uint16Array} edits
   */
  edited(edits) {
    this.#templates?.edited(edits)
  }

  /**
   * The colour that the topmost template wants at a pixel; null for none.
   * @param {number} x
   * @param {number} y
   */
  wanted(x, y) {
    return this.#templates?.wanted(x, y) ?? null
  }

  /** Show the next wrong pixel of the topmost unfinished template. */
  nextWrong() {
    const left = this.#templates?.items.findLast(({ template, progress }) => !template.hidden && progress?.left)
    if (left) this.#templates?.next(left)
    else this.#page.say(t('nothingWrong'), 'news')
  }

  /** The address of the present view, with the templates that have an address. */
  link() {
    return this.#templates?.link() ?? this.#page.link()
  }

  /**
   * Whether a drag that begins here moves a template.
   * @param {{ x: number, y: number }} at  canvas position, also beside the canvas
   */
  grab(at) {
    return this.#templates?.grab(at) ?? false
  }

  /**
   * @param {number} dx  canvas pixels
   * @param {number} dy
   */
  drag(dx, dy) {
    this.#templates?.drag(dx, dy)
  }

  /** The drag has ended. */
  drop() {
    this.#templates?.drop()
  }

  /**
   * Show the panel.
   * @param {HTMLElement} body
   */
  async mount(body) {
    const templates = await this.#load()
    templates.mount(body)
    return () => templates.unmount()
  }

  /**
   * Show the templates that an address names.
   * @param {string} fragment
   */
  addFromLink(fragment) {
    if (/(^#?|&)t=/.test(fragment)) void this.#load().then((templates) => templates.addFromLink(fragment))
  }

  /**
   * @param {Event} event
   * @param {DataTransfer | null} data
   */
  #take(event, data) {
    const images = [...(data?.files ?? [])] // say so if it is no image; a browser would go to its address
    if (!images.length) return
    event.preventDefault()
    void this.#load().then(async (templates) => {
      for (const image of images) await templates.addFile(image, image.name)
    })
  }

  async #create() {
    const { createTemplates } = await import('./index.js')
    return (this.#templates = await createTemplates({ ...this.#page, keeps: noteKept }))
  }
}

/** @param {boolean} some */
function noteKept(some) {
  if (some) browserStorage()?.setItem(KEY, '1')
  else browserStorage()?.removeItem(KEY)
}
