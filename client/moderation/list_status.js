/**
 * Where a list says that its server is at work, or why something isn't done. What went wrong stays until something else
 * of the same kind is tried: a list that is shown anew beside it doesn't take it away.
 */

import { make } from '../page/elements.js'
import { untilDone } from './under_way.js'

/** @typedef {import('../words/language.js').TextKey} TextKey */

/**
 * Show this, where whoever has asked for it sees it: the panel is long, and a button and its answer may be far apart.
 *
 * @param {HTMLElement} node
 * @param {HTMLElement[]} told
 */
export function show(node, told) {
  node.replaceChildren(...told)
  if (told.length) node.scrollIntoView({ block: 'nearest' })
}

export class Telling {
  node = make('div', { role: 'status' })
  #words

  /** @param {TextKey} [words]  what the server is at */
  constructor(words) {
    this.#words = words
  }

  /**
   * Do something that somebody has asked for by pressing a button.
   *
   * @param {() => Promise<void>} act
   * @param {(error: unknown) => string} why  it went wrong
   */
  async asked(act, why) {
    await this.during(act, why)
    show(this.node, /** @type {HTMLElement[]} */ ([...this.node.children]))
  }

  /**
   * Do something of which the list is told.
   *
   * @param {() => Promise<void>} act
   * @param {(error: unknown) => string} why  it went wrong
   */
  async during(act, why) {
    try {
      await untilDone(act(), (...told) => this.node.replaceChildren(...told), this.#words)
      this.clear()
    } catch (error) {
      this.trouble(why(error))
    }
  }

  /** Nothing is the matter any more. */
  clear() {
    this.node.replaceChildren()
  }

  /** @param {string} why */
  trouble(why) {
    this.node.replaceChildren(make('p', { className: 'trouble' }, why))
  }
}
