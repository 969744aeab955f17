/**
 * Acts, asked of the server: tried out, done, and those that were done. Needs no DOM.
 */

import { ask, Refusal, whyRefused } from '../people/asking.js'
import { t } from '../words/language.js'
import { Missing } from './request.js'
import './texts.js'

/** @typedef {import('./request.js').ActRequest} ActRequest */
/** @typedef {{ author: string, name?: string | undefined, pixels: number }} Painter */

/**
 * What an act would change.
 * @typedef {object} Preview
 * @property {number} pixels
 * @property {Painter[] | null} authors  who painted these pixels, the one with the most first; null where nobody can tell
 * @property {number} acts  how many of them moderators set
 * @property {number} unknown  how many of them nobody knows of
 * @property {string | null} png  base64: the box around them, as it would be
 */

/**
 * An act on record.
 * @typedef {object} Done
 * @property {number} id
 * @property {string} kind
 * @property {string} time  RFC 3339
 * @property {string} by
 * @property {string | undefined} [name]  of whoever did it
 * @property {number} [pixels]
 * @property {boolean} [done]  false: broken off in the middle
 * @property {boolean} [undone]
 * @property {string} [reason]
 * @property {string} [text]
 * @property {string} [at]
 */

const LIMIT = 20

/**
 * What an act would do; it does nothing.
 * @param {ActRequest} act
 * @returns {Promise<Preview>}
 */
export async function preview(act) {
  const { pixels, authors, acts, unknown, png } = await ask('acts', { ...act, preview: true })
  return {
    pixels: Number(pixels) || 0,
    authors: Array.isArray(authors) ? authors : null,
    acts: Number(acts) || 0,
    unknown: Number(unknown) || 0,
    png: typeof png === 'string' ? png : null
  }
}

/**
 * Do an act.
 * @param {ActRequest} act
 * @returns {Promise<{ id: number, pixels: number }>}
 */
export async function perform(act) {
  const { id, pixels } = await ask('acts', act)
  return { id: Number(id), pixels: Number(pixels) || 0 }
}

/**
 * The acts that were done, newest first.
 * @param {number | null} before  only those before this id
 * @returns {Promise<{ acts: Done[], next: number | null }>}
 */
export async function acts(before) {
  const { acts, next } = await ask(`acts?limit=${LIMIT}${before === null ? '' : `&before=${before}`}`)
  return { acts: Array.isArray(acts) ? acts : [], next: typeof next === 'number' ? next : null }
}

/**
 * In a sentence that says what to do.
 * @param {unknown} error
 */
export function whyNot(error) {
  if (error instanceof Missing) return t(error.key)
  if (error instanceof Refusal && error.status === 503 && error.code === 'busy') return t('mod_actQueue')
  if (error instanceof Refusal && (error.status === 401 || error.status === 403) && error.code !== 'banned') return t('mod_actRefused')
  return whyRefused(error)
}
