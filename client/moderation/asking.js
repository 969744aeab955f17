/**
 * Requests about acts: preview one, do one, list those that were done. Needs no DOM.
 */

import { ask, Refusal, whyRefused } from '../people/asking.js'
import { t } from '../words/language.js'
import { Missing } from './request.js'
import './texts.js'

/** @typedef {import('../words/language.js').TextKey} TextKey */
/** @typedef {import('./request.js').ActRequest} ActRequest */
/** @typedef {{ author: string, name?: string | undefined, pixels: number }} Painter */

/**
 * The changes that an act would make.
 * @typedef {object} Preview
 * @property {number} pixels
 * @property {Painter[] | null} authors  who painted these pixels, the one with the most first; null if the server doesn't
 *   know
 * @property {number} acts  how many of these pixels moderators set
 * @property {number} unknown  how many of these pixels have an unknown author
 * @property {string | null} png  base64: the box around them, after the act
 */

/**
 * An act on record.
 * @typedef {object} Done
 * @property {number} id
 * @property {string} kind
 * @property {string} time  RFC 3339
 * @property {string} by
 * @property {string | undefined} [name]  of the moderator or host
 * @property {number} [pixels]
 * @property {boolean} [done]  false: broken off in the middle
 * @property {boolean} [undone]
 * @property {string} [reason]
 * @property {string} [text]
 * @property {string} [at]  when it is planned for, RFC 3339
 * @property {string} [until]  RFC 3339
 * @property {[number, number, number, number]} [area]
 * @property {string[]} [authors]  some of them, of many
 * @property {number} [authors_count]  how many there are in all, where `authors` has only some
 */

/**
 * Somebody who is banned.
 * @typedef {object} Ban
 * @property {string} author
 * @property {string | undefined} [name]
 * @property {string | null} until  RFC 3339; null: for good
 */

/** @typedef {{ act: number, area: import('../view/area.js').Rectangle }} Protection  an area, and the act that protects it */

/**
 * A place that somebody has reported.
 * @typedef {object} Report
 * @property {number} id
 * @property {string} time  RFC 3339
 * @property {[number, number, number, number]} area
 * @property {string} text
 * @property {string} author
 * @property {'new' | 'seen' | 'done'} state
 * @property {{ png: string }} picture  base64
 */

/**
 * @template Item
 * @typedef {import('./listed.js').Page<Item>} Page
 */

/**
 * Preview an act; this changes nothing.
 * @param {ActRequest} act
 * @returns {Promise<Preview>}
 */
export async function preview(act) {
  const { pixels, authors, acts, unknown, png } = await ask('acts', { ...act, preview: true }, null)
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
  const { id, pixels } = await ask('acts', act, null)
  return { id: Number(id), pixels: Number(pixels) || 0 }
}

/**
 * The acts that were done, newest first.
 *
 * @param {number | null} before  only those before this id
 * @param {number} limit  so many of them
 * @returns {Promise<Page<Done>>}
 */
export async function acts(before, limit) {
  const { acts, next, older } = await ask(`acts?limit=${limit}${before === null ? '' : `&before=${before}`}`)
  return { items: listOf(acts), next: numberOf(next), isCut: older === 'not-kept' }
}

/**
 * Who is banned now, the last ones first.
 *
 * @param {number | null} skip  so many of them
 * @param {number} limit
 * @returns {Promise<Page<Ban>>}
 */
export async function bans(skip, limit) {
  const { bans, next } = await ask(`acts/bans?limit=${limit}&skip=${skip ?? 0}`)
  return { items: listOf(bans), next: numberOf(next), isCut: false }
}

/**
 * Which areas are protected now, the last ones first.
 * @returns {Promise<Page<Protection>>}
 */
export async function protections() {
  const { protections } = await ask('acts/protections')
  const found = /** @type {{ act: number, area: number[] }[]} */ (listOf(protections))
  return { items: found.map(({ act, area: [x, y, width, height] }) => ({ act, area: { x, y, width, height } })), next: null, isCut: false }
}

/**
 * What people have reported, the last first.
 *
 * @param {number | null} before  only those before this id
 * @param {number} limit
 * @returns {Promise<Page<Report>>}
 */
export async function reports(before, limit) {
  const { reports, next } = await ask(`reports?limit=${limit}${before === null ? '' : `&before=${before}`}`)
  return { items: listOf(reports), next: numberOf(next), isCut: false }
}

/**
 * Set the state of a report.
 *
 * @param {number} id
 * @param {'seen' | 'done'} state
 */
export async function mark(id, state) {
  await ask(`reports/${id}`, { state })
}

/** @param {unknown} told */
function listOf(told) {
  return Array.isArray(told) ? told : []
}

/** @param {unknown} told */
function numberOf(told) {
  return typeof told === 'number' ? told : null
}

/** The texts for the server's refusals of acts, since its own sentence is in English. */
const WORDS = new Map(/** @type {[string, TextKey][]} */ ([
  ['busy', 'mod_actQueue'],
  ['unfinished', 'mod_brokenOff'],
  ['outcome-unknown', 'mod_outcomeUnknown'],
  ['no-effect', 'mod_noEffect'],
  ['full', 'mod_full'],
  ['indexing', 'mod_pastIsRead'],
  ['too-large', 'mod_tooLarge'],
  ['not-kept', 'mod_notKept']
]))
/** The texts for a wrong parameter; the server's own sentence quotes the value, which may be a whole picture. */
const PARAMETERS = new Map(/** @type {[string, TextKey][]} */ ([
  ['picture', 'mod_badPicture'],
  ['text', 'mod_badText'],
  ['reason', 'mod_badText'],
  ['width', 'mod_badSize'],
  ['height', 'mod_badSize']
]))
const PROXY = [0, 502, 504] // no answer, or only one from a proxy: the server may still be at work

/**
 * Why an act isn't done, or may not be done, in a sentence that says what to do.
 * @param {unknown} error
 */
export function whyNotDone(error) {
  return error instanceof Refusal && PROXY.includes(error.status) ? t('mod_outcomeUnknown') : whyNot(error)
}

/**
 * Why a list can't be loaded, in a sentence that says what to do.
 * @param {unknown} error
 */
export function whyNot(error) {
  if (error instanceof Missing) return t(error.key)
  const words = error instanceof Refusal && (WORDS.get(error.code) ?? PARAMETERS.get(error.parameter))
  if (words) return t(words)
  return error instanceof Refusal && (error.status === 401 || error.status === 403) ? t('mod_actRefused') : whyRefused(error)
}
