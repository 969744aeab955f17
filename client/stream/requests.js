/**
 * The page's requests, and the error for an answer other than 200.
 */

import { refusalOf } from './refusals.js'

/** An answer that the page can't use; `retryAfterMs` as the server asked, 0 if it didn't. */
export class Refused extends Error {
  /**
   * @param {string} message
   * @param {import('./refusals.js').Refusal} refusal
   * @param {number} [retryAfterMs]
   */
  constructor(message, refusal = { kind: 'failed', status: 200 }, retryAfterMs = 0) {
    super(message)
    this.refusal = refusal
    this.retryAfterMs = retryAfterMs
  }
}

/**
 * @param {string} address
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 * @throws {Refused} the status is not 200
 */
export async function request(address, options) {
  const response = await fetch(address, options)
  if (response.status === 200) return response
  const { code } = Object(await response.json().catch(() => null))
  const refusal = refusalOf(response.status, code)
  throw new Refused(`${address} answered ${response.status}`, refusal, retryAfterMs(response.headers.get('Retry-After')))
}

/**
 * The time in the Retry-After field; 0 if it is absent, or a date.
 * @param {string | null} field
 */
function retryAfterMs(field) {
  const seconds = Number(field ?? 0)
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : 0
}
