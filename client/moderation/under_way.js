/**
 * The message while the server works: an act over a large canvas takes some time, and the page waits for the answer however
 * long it takes.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import './texts.js'

const SOON_MS = 700 // quicker work needs no message

/**
 * @template Result
 * @param {Promise<Result>} work
 * @param {(...told: HTMLElement[]) => void} tell  shows this instead of the message before
 * @param {import('../words/language.js').TextKey} [words]  what the server is doing
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
