/**
 * The page's language: the first of the browser's own that `texts.js` has, else English.
 *
 * A text may have places for values, `{seconds}`. In index.html `data-t="key"` is an element's text, and `data-t-label="key"`
 * its name for screen readers and its tooltip.
 */

import { TEXTS } from './texts.js'

/** @typedef {keyof typeof TEXTS.en} TextKey */

/** The language's tag, as 'en'. */
export const language = pick(globalThis.navigator?.languages ?? [])

/**
 * The first of the wished languages that there are texts in.
 *
 * @param {readonly string[]} wished  BCP 47 tags, the dearest first
 * @returns {keyof typeof TEXTS}
 */
export function pick(wished) {
  for (const tag of wished) {
    const found = Object.keys(TEXTS).find((one) => one === tag.toLowerCase().split('-')[0])
    if (found) return /** @type {keyof typeof TEXTS} */ (found)
  }
  return 'en'
}

/**
 * A text in the page's language.
 *
 * @param {TextKey} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  return TEXTS[language][key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]))
}

/**
 * Put the texts into a document.
 * @param {Document} document
 */
export function localise(document) {
  document.documentElement.lang = language
  for (const element of document.querySelectorAll('[data-t]')) {
    element.textContent = t(/** @type {TextKey} */ (element.getAttribute('data-t')))
  }
  for (const element of document.querySelectorAll('[data-t-label]')) {
    const label = t(/** @type {TextKey} */ (element.getAttribute('data-t-label')))
    element.setAttribute('aria-label', label)
    element.setAttribute('title', label)
  }
}
