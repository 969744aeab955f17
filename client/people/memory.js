/**
 * This browser's memory of its person, for all its tabs: whether somebody is signed in, and the pass to paint without an
 * account. The other tabs hear of a change at once, even hidden ones. It keeps no name and no secret: the session itself is
 * in a cookie that no script can read.
 */

import { browserStorage } from '../page/settings.js'

/** The key for this canvas: one host may have several, below different paths. */
const PLACE = typeof document === 'undefined' ? '/' : new URL('.', document.baseURI).pathname

/** @typedef {'session' | 'pass'} Name */

/** @param {Name} name */
const keyOf = (name) => `placed.${name} ${PLACE}`

/**
 * @param {Name} name
 * @returns {string} '' for nothing
 */
export function kept(name) {
  try {
    return browserStorage()?.getItem(keyOf(name)) ?? ''
  } catch {
    return ''
  }
}

/**
 * @param {Name} name
 * @param {string} value  '' forgets
 */
export function keep(name, value) {
  try {
    if (value) browserStorage()?.setItem(keyOf(name), value)
    else browserStorage()?.removeItem(keyOf(name))
  } catch {
    // A full or forbidden storage: other tabs notice by themselves when they ask the server.
  }
}

/**
 * Listen to each change that another tab makes.
 *
 * @param {Name} name
 * @param {(value: string) => void} hear
 */
export function onKept(name, hear) {
  addEventListener('storage', ({ key, newValue }) => {
    if (key === keyOf(name) || key === null) hear(newValue ?? '')
  })
}
