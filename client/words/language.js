/**
 * The page's language: the first of the browser's languages that has texts here, else English.
 *
 * A text may have places for values, `{seconds}`, and forms for a number, by the language's rules for plurals
 * (Intl.PluralRules; CLDR names them): `{count|one:# pixel|other:# pixels}`, where # is the number. In index.html
 * `data-t="key"` is an element's text, and `data-t-label="key"` its name for screen readers and its tooltip.
 */

import { TEXTS } from './texts.js'

/**
 * @typedef {keyof typeof TEXTS.en | keyof typeof import('./more_texts.js').MORE_TEXTS.en | keyof typeof import('../past/texts.js').PAST_TEXTS.en
 *   | keyof typeof import('../people/texts.js').PEOPLE_TEXTS.en | keyof typeof import('../gate/texts.js').GATE_TEXTS.en
 *   | keyof typeof import('../projector/texts.js').PROJECTOR_TEXTS.en | keyof typeof import('../moderation/texts.js').MODERATION_TEXTS.en
 *   | keyof typeof import('../reporting/texts.js').REPORTING_TEXTS.en} TextKey
 */

/** The language's tag, as 'en'. */
export const language = pick(globalThis.navigator?.languages ?? [])

/**
 * Find the first of the wished languages that has texts.
 *
 * @param {readonly string[]} wished  BCP 47 tags, the most wanted first
 * @returns {keyof typeof TEXTS}
 */
export function pick(wished) {
  for (const tag of wished) {
    const found = Object.keys(TEXTS).find((one) => one === tag.toLowerCase().split('-')[0])
    if (found) return /** @type {keyof typeof TEXTS} */ (found)
  }
  return 'en'
}

const speak = speakerOf(language)
const texts = /** @type {Record<string, string>} */ ({ ...TEXTS[language] })

/**
 * More texts, of another file.
 * @param {Record<keyof typeof TEXTS, Record<string, string>>} more  by language
 */
export function addTexts(more) {
  Object.assign(texts, more[language])
}

/**
 * A text in the page's language.
 *
 * @param {TextKey} key
 * @param {Record<string, string | number>} [values]  the language decides how numbers are written and counted
 */
export function t(key, values = {}) {
  return speak(texts[key], values)
}

/**
 * Puts values into a language's texts.
 * @param {string} tag  BCP 47
 */
export function speakerOf(tag) {
  const numbers = new Intl.NumberFormat(tag)
  const plurals = new Intl.PluralRules(tag)
  return (/** @type {string} */ text, /** @type {Record<string, string | number>} */ values) =>
    text.replace(/\{(\w+)((?:\|\w+:[^|}]*)*)\}/g, (_, name, forms) => {
      const value = values[name]
      const written = typeof value === 'number' ? numbers.format(value) : String(value)
      if (!forms) return written
      const [, form] = forms.match(`\\|${plurals.select(Number(value))}:([^|]*)`) ?? forms.match(/\|other:([^|]*)/)
      return form.replace('#', () => written)
    })
}

/**
 * Put the texts into a document.
 * @param {Document} document
 */
export function localise(document) {
  document.documentElement.lang = language
  document.documentElement.dir = t('direction')
  for (const element of document.querySelectorAll('[data-t]')) {
    element.textContent = t(/** @type {TextKey} */ (element.getAttribute('data-t')))
  }
  for (const element of document.querySelectorAll('[data-t-label]')) {
    const label = t(/** @type {TextKey} */ (element.getAttribute('data-t-label')))
    element.setAttribute('aria-label', label)
    element.setAttribute('title', label)
  }
}
