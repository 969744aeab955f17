/**
 * The host's description of the canvas. The server has turned their Markdown into HTML that can't run anything: the server
 * lets no HTML through, and the page's policy would stop it. The page loads this at its first use.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'

const TIMEOUT_MS = 15_000

/** @param {HTMLElement} body */
export async function mountAbout(body) {
  const shown = make('div', { className: 'about' })
  try {
    shown.append(...(await paragraphs()))
  } catch {
    shown.append(make('p', {}, t('notLoaded')))
  }
  body.replaceChildren(shown)
}

async function paragraphs() {
  const response = await fetch('about', { signal: AbortSignal.timeout(TIMEOUT_MS) })
  if (!response.ok) throw new Error(`${response.status}`)
  return new DOMParser().parseFromString(await response.text(), 'text/html').body.childNodes
}
