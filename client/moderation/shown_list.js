/**
 * A list on the page: its heading, its entries, the way to more of them, and what went wrong with it.
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

const AIM_MS = 500 // whoever presses a button that has just moved there has aimed at another one

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
  #shown = /** @type {Map<string, HTMLElement>} */ (new Map()) // the entries, by what they tell
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

  /** What is shown. */
  get items() {
    return this.#listed.items
  }

  /** Whether there is more of it. */
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

  /** Other entries are shown now. */
  changed() {}

  /** Show the beginning of what is the case by now. */
  load() {
    return this.#load(() => this.#listed.load())
  }

  /** Show as much as is shown, as somebody has changed it here. */
  refresh() {
    return this.#load(async () => void (await this.#listed.look()))
  }

  /**
   * Look whether something else is the case by now, without a word while that takes a while, or fails: it is tried again.
   * @returns {Promise<boolean | null>} whether it is; null: nobody has told
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
   * Do something with an entry, one thing at a time: who presses twice is not to do it twice.
   *
   * @param {() => Promise<void>} act  ends when the list shows what came of it: until then the button is still there
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
 * Have these be the node's children, and leave those alone that stay: a browser keeps what is read in its place beside them.
 *
 * @param {HTMLElement} node
 * @param {HTMLElement[]} children
 */
function arrange(node, children) {
  for (const child of [...node.children]) if (!children.includes(/** @type {HTMLElement} */ (child))) child.remove()
  for (const [at, child] of children.entries()) if (node.children[at] !== child) node.insertBefore(child, node.children[at] ?? null)
}
