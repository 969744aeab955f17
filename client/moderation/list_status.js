/**
 * Where a list says that its server is at work, or why something isn't done. What went wrong stays until something else
 * of the same kind is tried: a list that is shown anew beside it doesn't take it away.
 */

import { make } from '../page/elements.js'
import { untilDone } from './under_way.js'

export class Telling {
  node = make('div', { role: 'status' })

  /**
   * Do something of which the list is told.
   *
   * @param {() => Promise<void>} act
   * @param {(error: unknown) => string} why  it went wrong
   */
  async during(act, why) {
    const tell = (/** @type {HTMLElement[]} */ ...told) => this.node.replaceChildren(...told)
    try {
      await untilDone(act(), tell)
      tell()
    } catch (error) {
      tell(make('p', { className: 'trouble' }, why(error)))
    }
  }
}
