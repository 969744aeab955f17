/**
 * What the keys and gestures do. Loaded when first asked for.
 */

import { make } from './elements.js'
import { KEYS } from './keys.js'
import { t } from './language.js'

const NAMES = /** @type {Record<string, string>} */ ({ ArrowLeft: '←', ArrowUp: '↑', ArrowRight: '→', ArrowDown: '↓', ' ': '␣' })
const GESTURES = /** @type {const} */ (['tap', 'drag', 'wheel', 'pick', 'shift'])

/** @param {HTMLElement} body */
export function mountHelp(body) {
  const gestures = GESTURES.map((name) => make('li', {}, t(`gesture_${name}`)))
  const keys = Object.entries(KEYS).flatMap(([action, names]) => [
    make('dt', {}, ...shown(names).map((name) => make('kbd', {}, NAMES[name] ?? name))),
    make('dd', {}, t(/** @type {any} */ (`key_${action}`)))
  ])
  body.replaceChildren(make('ul', {}, ...gestures), make('h3', {}, t('keys')), make('dl', {}, ...keys))
}

/** @param {string[]} names */
function shown(names) {
  return names.length > 4 ? [names[0], '…', names[names.length - 1]] : names.filter((name) => !'=_'.includes(name))
}
