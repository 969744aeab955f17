/**
 * Requests about people, and the server's refusals in words. Needs no DOM.
 */

import { duration } from '../words/duration.js'
import { t } from '../words/language.js'
import './texts.js'

/** @typedef {import('../words/language.js').TextKey} TextKey */

const TIMEOUT_MS = 15_000

/** The text for each of the server's codes, which says what to do. */
const WORDS = new Map(/** @type {[string, TextKey][]} */ ([
  ['sign-in', 'signInFirst'],
  ['wrong-code', 'wrongCode'],
  ['name-taken', 'nameTaken'],
  ['bad-name', 'badName'], // the page's own: `invalid-parameter`, of a name
  ['too-many-people', 'tooManyPeople'],
  ['too-many-attempts', 'tooManyAttempts'],
  ['banned', 'banned'],
  ['challenge', 'noPass']
]))

/** The server, or a proxy before it, refused; or there was no answer, which is status 0. */
export class Refusal extends Error {
  /**
   * @param {number} status
   * @param {string} code  of the problem+json; '' for none
   * @param {string} detail  the server's own sentence, in English; '' for none
   * @param {number} seconds  until it is worth trying again; 0: not said
   * @param {string} [parameter]  that is wrong; '' for none
   */
  constructor(status, code, detail, seconds, parameter = '') {
    super(`${status} ${code}`)
    this.status = status
    this.code = code
    this.detail = detail
    this.seconds = seconds
    this.parameter = parameter
  }
}

/**
 * @param {string} address
 * @param {object} [body]  is posted, as JSON
 * @param {number | null} [limitMs]  how long to wait for the answer; null: as long as the server works
 * @returns {Promise<any>} the JSON of a 200
 * @throws {Refusal}
 */
export async function ask(address, body, limitMs = TIMEOUT_MS) {
  const posted = body && { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  const response = await fetch(address, { cache: 'no-store', signal: limitMs === null ? null : AbortSignal.timeout(limitMs), ...posted }).catch(() => null)
  const answer = Object(await response?.json().catch(() => null))
  if (response?.status === 200) return answer
  const { code, detail, parameter, retry_after_seconds: exact } = answer
  const seconds = Number(exact ?? response?.headers.get('Retry-After') ?? 0)
  throw new Refusal(response?.status ?? 0, text(parameter === 'name' ? 'bad-name' : code), text(detail), Number.isFinite(seconds) ? Math.max(0, seconds) : 0, text(parameter))
}

/**
 * In a sentence that says what to do.
 * @param {unknown} error
 */
export function whyRefused(error) {
  if (!(error instanceof Refusal)) throw error
  const { status, code, detail, seconds } = error
  const words = WORDS.get(code)
  const when = seconds ? t('tryAgainIn', { time: duration(seconds) }) : ''
  if (words) return [t(words), when].filter(Boolean).join(' ')
  if (status === 0) return t('noAnswer')
  if (status === 429 || status === 503) return [t('tooBusy'), when].filter(Boolean).join(' ')
  return status < 500 && detail ? detail : t('notDone', { status })
}

/** @param {unknown} value */
function text(value) {
  return typeof value === 'string' ? value : ''
}
