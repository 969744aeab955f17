/**
 * Parts of the page that it loads at their first use. If one can't be loaded, the page says so, and why: the network failed,
 * or the server has a newer page by now and no longer has the files of this one.
 */

import { t } from '../words/language.js'

/** @typedef {(text: string, kind: 'news' | 'trouble') => void} Say */

const VERSION = new URL('..', import.meta.url).pathname.split('/').at(-2) // of the page that is open: /static/VERSION/page/later.js
const RENEWED_KEY = 'placed.renewed'
const RENEW_MS = 60_000 // servers of two versions may take turns: a page that reloads at each can't be read

/**
 * @template Part
 * @param {() => Promise<Part>} load
 * @param {Say} say
 * @returns {() => Promise<Part>} loads it once, and again after a failure
 */
export function later(load, say) {
  let loading = /** @type {Promise<Part> | null} */ (null)
  return () => (loading ??= load().catch(async (error) => {
    loading = null
    say(t((await isOutdated()) ? 'outdated' : 'notLoaded'), 'trouble')
    throw error
  }))
}

/**
 * A part that the page needs failed to load: load the server's present page, if it is another one.
 * @param {Say} say
 */
export async function renew(say) {
  if (!(await isOutdated())) return
  if (Date.now() - renewedAt() < RENEW_MS) return say(t('outdated'), 'trouble')
  try {
    sessionStorage.setItem(RENEWED_KEY, String(Date.now()))
    location.reload()
  } catch {
    say(t('outdated'), 'trouble') // without a memory it would reload for ever
  }
}

function renewedAt() {
  try {
    return Number(sessionStorage.getItem(RENEWED_KEY))
  } catch {
    return 0 // a browser that forbids it; `renew` then finds that it can't be written either
  }
}

/** Whether the server's present page is another one; false if the server doesn't answer. */
async function isOutdated() {
  try {
    const response = await fetch('.', { cache: 'no-cache' })
    return response.ok && !(await response.text()).includes(`static/${VERSION}/`)
  } catch {
    return false
  }
}
