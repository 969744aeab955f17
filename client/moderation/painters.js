/**
 * Authors: those of an act, and those who painted somewhere.
 */

import { make } from '../page/elements.js'
import { named } from '../page/named.js'
import { t } from '../words/language.js'
import { keepingFocus } from './focus.js'
import './texts.js'

/** @typedef {import('./asking.js').Painter} Painter */
/** @typedef {import('./asking.js').Preview} Preview */

const SHOWN = 12 // the most painters to list; a smaller area shows those with fewer pixels

/**
 * An author's name for moderators.
 * @param {{ author: string, name?: string | undefined }} author
 */
export function nameOf({ author, name }) {
  return name || author.slice(0, 6)
}

/** The chosen authors; none means everybody. */
export class Authors {
  node = make('div', { className: 'authors' })
  #chosen = /** @type {Map<string, string>} */ (new Map())
  #changed

  /** @param {() => void} changed */
  constructor(changed) {
    this.#changed = changed
    this.#show()
  }

  /** 16 hex digits each. */
  get chosen() {
    return [...this.#chosen.keys()]
  }

  /** @param {string} author */
  has(author) {
    return this.#chosen.has(author)
  }

  /**
   * @param {{ author: string, name?: string | undefined }} author
   * @param {boolean} isChosen
   */
  set(author, isChosen) {
    if (isChosen) this.#chosen.set(author.author, nameOf(author))
    else this.#chosen.delete(author.author)
    this.#show()
    this.#changed()
  }

  #show() {
    const entries = [...this.#chosen].map(([author, name]) => {
      const label = t('mod_forget', { name })
      const leave = make('button', { type: 'button', value: author, ariaLabel: label, title: label, onclick: () => this.set({ author }, false) }, '×')
      return make('li', {}, make('bdi', {}, name), leave)
    })
    const list = entries.length ? make('ul', {}, ...entries) : make('p', {}, t('mod_anybody'))
    keepingFocus(this.node, () => this.node.replaceChildren(make('strong', {}, t('mod_authors')), list))
  }
}

/**
 * The painters of some pixels, each with a box to choose them.
 *
 * @param {Preview} found
 * @param {Authors} authors
 * @returns {HTMLElement[]}
 */
export function listPainters({ authors: painters, acts, unknown }, authors) {
  if (!painters) return [make('p', {}, t('mod_whoUnknown'))]
  const entries = painters.slice(0, SHOWN).map((painter) => {
    const box = make('input', { type: 'checkbox', checked: authors.has(painter.author), onchange: () => authors.set(painter, box.checked) })
    return make('li', {}, make('label', { className: 'row' }, box, make('span', {}, ...named('mod_authorPixels', nameOf(painter), { count: painter.pixels }))))
  })
  const others = [...(acts ? [t('mod_byActs', { count: acts })] : []), ...(unknown ? [t('mod_byUnknown', { count: unknown })] : [])]
  return [make('ul', { className: 'painters' }, ...entries, ...others.map((text) => make('li', {}, text)))]
}
