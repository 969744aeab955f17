/**
 * Explains the keys and gestures. The page loads it at its first use.
 */

import { element, make } from '../page/elements.js'
import { KEYS, shownKey } from '../page/keys.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'

const NAMES = /** @type {Record<string, string>} */ ({ ArrowLeft: '←', ArrowUp: '↑', ArrowRight: '→', ArrowDown: '↓', ' ': '␣' })
const GESTURES = /** @type {const} */ (['tap', 'drag', 'wheel', 'pick', 'shift'])

/** @param {HTMLElement} body */
export async function mountHelp(body) {
  const layout = await keyboardLayout()
  const gestures = GESTURES.map((name) => make('li', {}, t(`gesture_${name}`)))
  const wanted = Object.entries(KEYS).filter(([action]) => action !== 'people' || !element('people').hidden)
  const keys = wanted.flatMap(([action, names]) => [
    make('dt', {}, ...shown(names, layout).map((name) => make('kbd', {}, NAMES[name] ?? name))),
    make('dd', {}, t(/** @type {any} */ (`key_${action}`)))
  ])
  body.replaceChildren(make('ul', {}, ...gestures), make('h3', {}, t('keys')), make('dl', {}, ...keys))
}

/**
 * The character that each key types, if the browser reports it: Chromium on a secure page.
 * @returns {Promise<Iterable<[string, string]>>}
 */
async function keyboardLayout() {
  const { keyboard } = /** @type {any} */ (navigator)
  try {
    return (await keyboard?.getLayoutMap()) ?? []
  } catch {
    return [] // not in this frame
  }
}

/**
 * @param {string[]} names
 * @param {Iterable<[string, string]>} layout
 */
function shown(names, layout) {
  const few = names.length > 4 ? [names[0], '…', names[names.length - 1]] : names.filter((name) => !'=_'.includes(name))
  return few.map((name) => shownKey(name, layout))
}
