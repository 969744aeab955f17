/**
 * A list on the page: its heading, its entries, the button for more, and its error.
 */

import { make } from '../page/elements.js'
import { Refusal } from '../people/asking.js'
import { t } from '../words/language.js'
import { whyNot } from './asking.js'
import { endsDoubleClick } from './double_click.js'
import { keepingFocus } from './focus.js'
import { Listed } from './listed.js'
import { Telling } from './list_status.js'
import './texts.js'

/** @typedef {import('../words/language.js').TextKey} TextKey */

const AIM_MS = 500 // a click on a button that has just moved there was meant for another one

/** @template Item */
export class ShownList {
  node
  #trying = new Telling()
  #listed
  #list
  #loading = new Telling('mod_loading')
  #end = make('p', { className: 'end', hidden: true }, t('mod_olderNotKept'))
  #more
  #none
  #shown = /** @type {Map<string, HTMLElement>} */ (new Map()) // the entries, by their content
  #movedAt = -Infinity

  /**
   * @param {object} words
   * @param {TextKey} words.heading
   * @param {TextKey} words.none
   * @param {TextKey} words.more
   * @param {string} words.className
   * @param {(from: number | null, limit: number) => Promise<import('./listed.js').Page<Item>>} page  asks the server
   * @param {number} first  how many are shown at first
   */
  constructor({ heading, none, more, className }, page, first) {
    this.#none = none
    this.#listed = new Listed(page, first)
    this.#list = make('ul', { className })
    this.#list.addEventListener('click', (event) => this.#guard(event), true)
    this.#more = make('button', { type: 'button', hidden: true, onclick: () => void this.#load(() => this.#listed.more()) }, t(more))
    this.node = make('section', {}, make('h3', {}, t(heading)), this.#loading.node, this.#trying.node, this.#list, this.#end, this.#more)
  }

  /** The shown entries. */
  get items() {
    return this.#listed.items
  }

  /** Whether there are more entries. */
  get isWhole() {
    return this.#listed.next === null
  }

  /**
   * An entry of the list.
   * @param {Item} _item
   * @returns {HTMLElement}
   */
  entry(_item) {
    return make('li', {})
  }

  /** Called when the list shows other entries. */
  changed() {}

  /** Load the beginning of the list anew. */
  load() {
    return this.#load(() => this.#listed.load())
  }

  /** Load the shown entries anew, since somebody has changed them here. */
  refresh() {
    return this.#load(async () => void (await this.#listed.look()))
  }

  /**
   * Check whether the list has changed, without a message if that takes a while, or fails: the page tries again.
   * @returns {Promise<boolean | null>}  whether it has; null: no answer
   */
  async look() {
    try {
      const isOther = await this.#listed.look()
      if (isOther) this.#show(true)
      this.#loading.clear()
      return isOther
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      if (error.status !== 401 && error.status !== 403) return null
      this.#loading.trouble(whyNot(error))
      return false
    }
  }

  /**
   * Do something with an entry, one thing at a time: a double click must not do it twice.
   *
   * @param {() => Promise<void>} act  ends when the list shows the result: until then the button is still there
   * @param {(error: unknown) => string} why  it went wrong
   */
  async attempt(act, why) {
    if (this.node.ariaBusy === 'true') return
    this.node.ariaBusy = 'true'
    await this.#trying.asked(act, why)
    this.node.ariaBusy = 'false'
  }

  /** @param {() => Promise<void>} act */
  #load(act) {
    return this.#loading.during(async () => {
      await act()
      this.#show()
    }, whyNot)
  }

  #show(isUnasked = false) {
    const { items, next, isCut } = this.#listed
    const before = this.#shown
    this.#shown = new Map(items.map((item) => {
      const told = JSON.stringify(item)
      return [told, before.get(told) ?? this.entry(item)]
    }))
    const entries = [...this.#shown.values()]
    keepingFocus(this.node, () => {
      arrange(this.#list, entries.length ? entries : [make('li', {}, t(this.#none))])
      this.#more.hidden = next === null
      this.#end.hidden = !isCut
    })
    if (isUnasked) this.#movedAt = performance.now()
    this.changed()
  }

  /** @param {MouseEvent} event */
  #guard(event) {
    const isByKey = event.detail === 0 // the focus stays where it was
    const hasJustMoved = performance.now() - this.#movedAt < AIM_MS
    if (isByKey || !(hasJustMoved || endsDoubleClick(event))) return
    event.stopPropagation()
    event.preventDefault()
  }
}

/**
 * Give the node these children, and don't touch those that stay: then the browser keeps the reading position.
 *
 * @param {HTMLElement} node
 * @param {HTMLElement[]} children
 */
function arrange(node, children) {
  for (const child of [...node.children]) if (!children.includes(/** @type {HTMLElement} */ (child))) child.remove()
  for (const [at, child] of children.entries()) if (node.children[at] !== child) node.insertBefore(child, node.children[at] ?? null)
}
