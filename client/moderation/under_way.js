/**
 * What is shown while the server works: an act over a large canvas takes some time, and the server's answer is waited for
 * however long that is.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import './texts.js'

const SOON_MS = 700 // what is done sooner needs no word

/**
 * @template Result
 * @param {Promise<Result>} work
 * @param {(...told: HTMLElement[]) => void} tell  shows this, in the place of what was shown
 * @param {import('../words/language.js').TextKey} [words]  what the server is at
 * @returns {Promise<Result>}
 */
export async function untilDone(work, tell, words = 'mod_underWay') {
  const waiting = setTimeout(() => tell(make('p', {}, t(words)), make('progress', { ariaLabel: t(words) })), SOON_MS)
  try {
    return await work
  } finally {
    clearTimeout(waiting)
  }
}
