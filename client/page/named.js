/**
 * Other people's names and texts within the page's own. Each is isolated (`<bdi>`): a text that is written from right to
 * left, or that turns the text behind it around, as an old log may have it, leaves the sentence as it is.
 */

import { make } from './elements.js'
import { t } from '../words/language.js'

const MARK = '\0' // which no text has

/**
 * A name in a place that can't have an element: in a message, or a label.
 * @param {string} name
 */
export function apart(name) {
  return `\u2068${name}\u2069`
}

/**
 * A sentence with somebody's name, at its `{name}`.
 *
 * @param {import('../words/language.js').TextKey} key
 * @param {string} name
 * @param {Record<string, string | number>} [values]  the other ones
 * @returns {(Node | string)[]}
 */
export function named(key, name, values = {}) {
  const [before, ...after] = t(key, { ...values, name: MARK }).split(MARK)
  return [before, make('bdi', {}, name), ...after].filter((part) => part !== '')
}
