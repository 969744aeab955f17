/**
 * A list's message that the server is at work, or why something isn't done. An error stays until the next try of the same
 * kind: showing the list anew doesn't remove it.
 */

import { make } from '../page/elements.js'
import { untilDone } from './under_way.js'

/** @typedef {import('../words/language.js').TextKey} TextKey */

/**
 * Show this where the person who pressed the button sees it: the panel is long, and a button and its answer may be far
 * apart.
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
   * Do an action after somebody has pressed its button.
   *
   * @param {() => Promise<void>} act
   * @param {(error: unknown) => string} why  it went wrong
   */
  async asked(act, why) {
    await this.during(act, why)
    show(this.node, /** @type {HTMLElement[]} */ ([...this.node.children]))
  }

  /**
   * Do something, and show its progress or error in the list.
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

  /** Clear the message. */
  clear() {
    this.node.replaceChildren()
  }

  /** @param {string} why */
  trouble(why) {
    this.node.replaceChildren(make('p', { className: 'trouble' }, why))
  }
}
