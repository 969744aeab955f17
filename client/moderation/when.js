/**
 * How long ago something was, as a text that counts on.
 */

import { ago } from '../past/pixel_card.js'
import '../past/texts.js'
import { make } from '../page/elements.js'

/** @param {string} time  RFC 3339 */
export function when(time) {
  const at = new Date(time)
  return make('time', { dateTime: time, title: at.toLocaleString() }, ago(at.getTime(), Date.now()))
}

/**
 * Time has passed.
 *
 * @param {HTMLElement} node  in which to update each time
 * @param {number} now  ms since the epoch
 */
export function goOn(node, now) {
  for (const time of node.querySelectorAll('time')) {
    const text = ago(Date.parse(time.dateTime), now)
    if (time.textContent !== text) time.textContent = text
  }
}
