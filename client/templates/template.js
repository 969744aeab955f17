/**
 * A template: an image that somebody wants to see painted, and its place. A value: a changed template is a new one. Pure; of
 * the page it imports the texts alone.
 */

import { t } from '../words/language.js'
import '../words/more_texts.js'

/**
 * @typedef {object} Template
 * @property {number} id  unique here, and ascending: later ones lie above
 * @property {string} name
 * @property {number} x  canvas pixels, of the left edge; a template may hang out of the canvas
 * @property {number} y
 * @property {number} width  canvas pixels
 * @property {number} height  follows from the width
 * @property {number} ratio  the image's height by its width
 * @property {number} opacity  percent
 * @property {'faint' | 'dots' | 'differs'} style
 * @property {boolean} hidden
 * @property {Blob} image  the file as it came
 * @property {string} url  where it came from; '' for a file
 * @property {string} entry  of the link that it came from, see link.js; '' without one
 */

export const STYLES = /** @type {const} */ (['faint', 'dots', 'differs'])
/** The largest canvas has this side. All templates together have as many pixels as one of this side. */
const MAX_SIDE = 4096
const MAX_TEMPLATES = 16
/** What each number may be, both ends included. */
export const RANGES = /** @type {const} */ ({
  x: [-MAX_SIDE, MAX_SIDE],
  y: [-MAX_SIDE, MAX_SIDE],
  width: [1, MAX_SIDE],
  opacity: [5, 100]
})

/**
 * @param {string} value
 * @param {string} allowed
 * @returns {never}
 */
export function refuse(value, allowed) {
  throw new Error(t('templateRefused', { value: value.slice(0, 80), allowed }))
}

/**
 * @param {keyof typeof RANGES} name
 * @param {string} text
 * @returns {number}
 * @throws {Error} not a whole number in its range
 */
export function numberOf(name, text) {
  const [low, high] = RANGES[name]
  if (/^-?\d+$/.test(text) && +text >= low && +text <= high) return +text
  refuse(`${name}=${text}`, `${low} … ${high}`)
}

/**
 * The template with other values. Its height follows from its width.
 *
 * @param {Template} template
 * @param {Partial<Template>} changes
 * @returns {Template}
 * @throws {Error} a number is out of its range, or it would be larger than any canvas
 */
export function changed(template, changes) {
  const next = { ...template, ...changes }
  for (const name of /** @type {(keyof typeof RANGES)[]} */ (Object.keys(RANGES))) numberOf(name, String(next[name]))
  next.height = Math.max(1, Math.round(next.width * next.ratio))
  checkSides(next)
  return next
}

/**
 * @param {{ width: number, height: number }} size
 * @throws {Error} it is larger than any canvas
 */
export function checkSides({ width, height }) {
  if (Math.max(width, height) > MAX_SIDE) refuse(`${width} x ${height}`, `≤ ${MAX_SIDE} x ${MAX_SIDE}`)
}

/**
 * @param {Template[]} templates
 * @throws {Error} these are too many, or too large together
 */
export function checkRoom(templates) {
  const pixels = templates.reduce((sum, { width, height }) => sum + width * height, 0)
  if (templates.length <= MAX_TEMPLATES && pixels <= MAX_SIDE ** 2) return
  throw new Error(t('templateFull', { count: MAX_TEMPLATES, pixels: `${MAX_SIDE} x ${MAX_SIDE}` }))
}
