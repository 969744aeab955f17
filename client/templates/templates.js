/**
 * The list of templates, and all changes to it: nothing else writes it. The layer draws the templates, and the panel,
 * updated with each drawing, shows them and calls the methods for its buttons.
 */

import { t } from '../words/language.js'
import '../words/more_texts.js'
import { convert } from './conversion.js'
import { pictureOf, setPixel, templatesLayer } from './layer.js'
import { addressOf, decoded, templatesOf, withTemplates } from './link.js'
import { createPanel } from './panel.js'
import { Progress } from './progress.js'
import { download, sizeOf } from './source.js'
import { forget, keep, load } from './store.js'
import { changed, checkRoom } from './template.js'

/** @typedef {import('./template.js').Template} Template */
/** @typedef {import('./progress.js').Point} Point */

/**
 * A template with its conversion and drawing; undefined until they exist.
 * @typedef {object} Item
 * @property {Template} template
 * @property {boolean} kept  in the browser
 * @property {Progress} [progress]
 * @property {OffscreenCanvas} [picture]
 */

const AIMED_SCALE = 16 // CSS pixels: a finger can hit a pixel of this size
const GRAB_PX = 24 // CSS pixels around a template that still hold it: half a fingertip

export class Templates {
  /** The lowest first. */
  items = /** @type {Item[]} */ ([])
  /** The template that drags move. */
  moving = /** @type {Item | null} */ (null)

  #page
  #panel
  #palette = ''
  #target = /** @type {Point | null} */ (null) // the wrong pixel that was jumped to
  #at = { x: 0, y: 0 } // where `moving` was dragged to, with the fractions that a template can't have
  #links = Promise.resolve(/** @type {unknown} */ (null)) // one after the other, so that none is fetched twice

  /** @param {import('./index.js').Page} page */
  constructor(page) {
    this.#page = page
    this.#panel = createPanel(this)
    this.layer = templatesLayer(
      () => {
        this.#panel.update()
        return this.#shown.map((item) => ({ template: item.template, picture: this.#pictureOf(item) }))
      },
      () => [
        ...(this.moving ? [this.moving.template] : []),
        ...(this.#target ? [{ ...this.#target, width: 1, height: 1 }] : [])
      ]
    )
  }

  /** Load the templates that the browser has kept. */
  async load() {
    await this.#attempt(async () => {
      this.items = (await load()).map((template) => ({ template, kept: true }))
      this.#tellKept()
    })
    this.canvasChanged()
  }

  /** How many are shown. */
  get count() {
    return this.#shown.length
  }

  /** Call it after another canvas or palette came: other pixels, another size, another log. */
  canvasChanged() {
    const same = this.#palette === (this.#palette = this.#page.palette().join())
    this.#target = null
    for (const item of this.items) {
      if (same && item.progress) this.#recount(item)
      else this.#attempt(() => this.#convert(item))
    }
  }

  /**
   * Edits of the canvas; before or after it has them.
   * @param {Uint16Array} edits  x, y, color, x, y, color, …
   */
  edited(edits) {
    const palette = this.#page.palette()
    for (const { template, progress, picture } of this.items) {
      for (let i = 0; progress && i < edits.length; i += 3) {
        const [x, y, color] = edits.subarray(i, i + 3)
        const at = color < palette.length ? progress.edited(x, y, color) : -1
        if (at < 0) continue
        if (x === this.#target?.x && y === this.#target.y) this.#target = null
        if (!picture || template.style !== 'differs') continue
        setPixel(picture, at, progress.wrong[at] ? palette[progress.pixels[at]] : null)
      }
    }
    this.#page.invalidate()
  }

  /** @param {HTMLElement} container */
  mount(container) {
    container.append(this.#panel.element)
    this.#panel.update()
  }

  /** Take the panel away; the templates stay. */
  unmount() {
    this.move(null)
    this.#panel.element.remove()
  }

  /**
   * @param {Blob} image
   * @param {string} [name]
   */
  addFile(image, name = 'image') {
    return this.#attempt(() => this.#add({ image, name }, true))
  }

  /** @param {string} address */
  addAddress(address) {
    return this.#attempt(() => this.#fetch({ url: addressOf(address) }, true))
  }

  /**
   * Show the templates of a link; the browser keeps them only if the person chooses so.
   * @param {string} fragment
   */
  addFromLink(fragment) {
    const { linked, refusals } = templatesOf(fragment)
    if (refusals.length) this.#page.say(refusals.join(' '), 'trouble')
    for (const wish of linked) {
      this.#links = this.#links.then(() => this.#attempt(async () => this.#has(wish) || this.#fetch(wish, false)))
    }
  }

  /** The page's address with the shown templates that have an address themselves. */
  link() {
    return withTemplates(this.#page.link(), this.#shown.map(({ template }) => template).filter(({ url }) => url))
  }

  /**
   * The colour that the topmost template wants at a pixel.
   *
   * @param {number} x
   * @param {number} y
   * @returns {number | null} palette index
   */
  wanted(x, y) {
    const none = /** @type {number | null} */ (null)
    return this.#shown.reduce((below, { progress }) => progress?.wanted(x, y) ?? below, none)
  }

  /**
   * A pointer goes down.
   *
   * @param {Point} pixel  canvas pixel, also beside the canvas
   * @returns {boolean}  whether its drag moves a template: then call `drag` and `drop`
   */
  grab({ x, y }) {
    const box = this.moving?.template
    if (!box) return false
    this.#at = box
    const beside = Math.max(box.x - x, box.y - y, x - box.x - box.width, y - box.y - box.height)
    return beside < GRAB_PX / this.#page.view().scale
  }

  /**
   * @param {number} dx  canvas pixels since the last call, with fractions
   * @param {number} dy
   * @param {boolean} [lasting]
   */
  drag(dx, dy, lasting = false) {
    const [x, y] = [this.#at.x + dx, this.#at.y + dy]
    this.#at = { x, y }
    if (this.moving) this.change(this.moving, { x: Math.round(x), y: Math.round(y) }, lasting)
  }

  /** The pointer goes up, or is cancelled. */
  drop() {
    this.drag(0, 0, true)
  }

  /**
   * Drags move this template from now on; called with the template that they move already, none.
   * @param {Item | null} item
   */
  move(item) {
    for (const one of [this.moving, item]) delete one?.picture // while it moves, all of it is visible in any style
    this.moving = item === this.moving ? null : item
    this.#page.invalidate()
  }

  /**
   * @param {Item} item
   * @param {Partial<Template>} changes
   * @param {boolean} [lasting]  false while a hand is still moving
   */
  change(item, changes, lasting = true) {
    return this.#attempt(async () => {
      const { width } = item.template
      const template = changed(item.template, changes)
      checkRoom(this.items.map((one) => (one === item ? template : one.template)))
      item.template = template
      if (width !== template.width) await this.#convert(item)
      else if (lasting) this.#recount(item)
      this.#page.invalidate()
      if (lasting && item.kept) await this.keep(item)
    })
  }

  /** @param {Item} item */
  keep(item) {
    return this.#attempt(async () => {
      if (!this.items.includes(item)) return // removed while it was converted
      await keep(item.template).catch(({ message }) => {
        throw new Error(t('templateNotKept', { why: message }))
      })
      item.kept = true
      this.#tellKept()
    })
  }

  /** @param {Item} item */
  remove(item) {
    this.items = this.items.filter((one) => one !== item)
    this.#target = null
    if (this.moving === item) this.move(item)
    this.#tellKept()
    return this.#attempt(() => forget(item.template.id))
  }

  /**
   * Show a pixel that is left to do, another one each time.
   * @param {Item} item
   */
  next(item) {
    const { scale } = this.#page.view()
    this.#target = item.progress?.next(this.#target ?? this.#middle()) ?? null
    if (this.#target) this.#page.lookAt(this.#target.x, this.#target.y, Math.max(AIMED_SCALE, scale))
  }

  /**
   * Show a whole template.
   * @param {Item} item
   */
  find({ template: { x, y, width, height } }) {
    const scale = Math.min(AIMED_SCALE, innerWidth / width / 2, innerHeight / height / 3)
    this.#page.lookAt(x + (width >> 1), y + (height >> 1), scale)
  }

  async share() {
    const link = this.link()
    try {
      await navigator.clipboard.writeText(link)
      this.#page.say(t('templateShared'), 'news')
    } catch {
      prompt(t('templateShare'), link) // only a page by HTTPS may write to the clipboard
    }
  }

  #tellKept() {
    this.#page.keeps(this.items.some(({ kept }) => kept))
    this.#page.invalidate()
  }

  get #shown() {
    return this.items.filter(({ template, progress }) => progress && !template.hidden)
  }

  /** @param {Item} item */
  #pictureOf(item) {
    const { pixels, wrong } = /** @type {Progress} */ (item.progress)
    const only = item.template.style === 'differs' && item !== this.moving ? wrong : null
    return (item.picture ??= pictureOf(item.template, pixels, only, this.#page.palette()))
  }

  /** @param {import('./link.js').Linked} wish */
  #has(wish) {
    return this.items.some(({ template: { entry, url, x, y, width } }) =>
      entry === wish.entry || (url === wish.url && x === wish.x && y === wish.y && width === (wish.width ?? width))
    )
  }

  /**
   * @param {{ url: string } & Partial<Template>} wish
   * @param {boolean} kept
   */
  async #fetch(wish, kept) {
    const image = await download(wish.url)
    const name = decoded(wish.url.split(/[?#]/)[0].split('/').pop() || wish.url)
    await this.#add({ ...wish, image, name }, kept)
  }

  /**
   * @param {{ image: Blob, name: string } & Partial<Template>} wish
   * @param {boolean} kept
   */
  async #add({ image, name, ...wish }, kept) {
    const { width, height } = await sizeOf(image)
    const middle = this.#middle()
    const canvas = this.#page.canvas() ?? { width: 0, height: 0 }
    const template = changed({
      id: Math.max(Date.now(), ...this.items.map((item) => item.template.id + 1)),
      image, name: name.slice(0, 60), url: '', entry: '', opacity: 60, style: 'faint', hidden: false,
      x: Math.max(0, Math.min(middle.x - (width >> 1), canvas.width - width)),
      y: Math.max(0, Math.min(middle.y - (height >> 1), canvas.height - height)),
      width, height, ratio: height / width
    }, wish)
    checkRoom([...this.items.map((item) => item.template), template])
    const item = { template, kept: false }
    this.items.push(item)
    await this.#convert(item).catch((error) => {
      this.remove(item)
      throw error
    })
    if (kept) await this.keep(item)
  }

  /** @param {Item} item */
  async #convert(item) {
    const { template } = item
    delete item.progress
    delete item.picture
    this.#page.invalidate()
    if (!this.#page.canvas()) return
    const pixels = await convert(template, this.#page.palette())
    // The width or palette may have changed meanwhile; its own conversion follows.
    if (template.width === item.template.width) this.#recount(item, pixels)
  }

  /**
   * @param {Item} item
   * @param {Int16Array | undefined} [pixels]
   */
  #recount(item, pixels = item.progress?.pixels) {
    const canvas = this.#page.canvas()
    if (canvas && pixels) item.progress = new Progress(item.template, pixels, canvas)
    delete item.picture
    this.#page.invalidate()
  }

  #middle() {
    const { x, y } = this.#page.middle()
    return { x: Math.floor(x), y: Math.floor(y) }
  }

  /** @param {() => Promise<unknown>} work */
  #attempt(work) {
    return work().catch(({ message }) => this.#page.say(message, 'trouble'))
  }
}
