/**
 * `POST /edit` and `POST /edits`, and the meaning of the answer for own pixels. `outcomeOf` is pure; `postEdits` adds the
 * request.
 */

import { parseRateLimit } from './cooldown.js'
import { duration } from '../words/duration.js'
import { language, t } from '../words/language.js'
import '../words/more_texts.js'
import { refusalOf, whyRefused } from '../stream/refusals.js'

/**
 * @typedef {{ kind: 'posted', version: number }
 *   | { kind: 'refused', reason: string, retrySeconds: number | null, code?: string, area?: unknown }
 *   | { kind: 'unknown', reason: string }} Outcome
 */

/** @typedef {{ remaining: number, nextSeconds: number }} RateLimit  what the server says of charges */

const MOMENT = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
const TIMEOUT_MS = 15_000 // the server's own deadline for an append is shorter

/** Refusals after which nothing was placed, though the status is 5xx. */
const NOT_PLACED = new Map([
  ['log-unavailable', t('cannotSave')],
  ['writer-full', t('tooManyEdits')],
  ['shutting-down', t('stopping')],
  ['not-ready', t('starting')],
  ['too-many-connections', t('why_full', { status: 503 })]
])

/**
 * @param {{ x: number, y: number, color: number }[]} edits  all are placed, or none is
 * @param {Record<string, string>} [headers]  more of them
 * @returns {Promise<{ outcome: Outcome, rateLimit: RateLimit | null }>}
 */
export async function postEdits(edits, headers = {}) {
  const [{ x, y, color }] = edits
  const isOne = edits.length === 1
  try {
    const response = await fetch(isOne ? 'edit' : 'edits', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(isOne ? { x, y, color } : { edits: edits.map((edit) => [edit.x, edit.y, edit.color]) }),
      signal: AbortSignal.timeout(TIMEOUT_MS)
    })
    const body = await response.json().catch(() => null)
    const rateLimit = parseRateLimit(response.headers.get('RateLimit'))
    return { outcome: outcomeOf(response.status, body, response.headers.get('Retry-After'), rateLimit), rateLimit }
  } catch {
    return { outcome: { kind: 'unknown', reason: t('lostWhilePainting') }, rateLimit: null }
  }
}

/**
 * @param {number} status
 * @param {any} body  the parsed JSON, null if it was none
 * @param {string | null} retryAfter  the Retry-After field
 * @param {RateLimit | null} [rateLimit]  the RateLimit field
 * @returns {Outcome}
 */
export function outcomeOf(status, body, retryAfter, rateLimit = null) {
  const version = Object(body).v
  if (status === 200 && Number.isSafeInteger(version)) return { kind: 'posted', version }
  const { code, detail, retry_after_seconds: exactSeconds } = Object(body)
  const refusal = refusalOf(status, code)
  // A proxy's own 429 says nothing about charges; a proxy that only removed the server's text has left them in the fields.
  if (code === 'cooldown' || (status === 429 && code === undefined && rateLimit?.remaining === 0)) {
    const seconds = Number(exactSeconds ?? retryAfter ?? 1)
    const retrySeconds = Number.isFinite(seconds) && seconds >= 0 ? seconds : 1
    return { kind: 'refused', reason: t('notYet', { time: duration(retrySeconds) }), retrySeconds }
  }
  const notPlaced = NOT_PLACED.get(code)
  if (notPlaced) return { kind: 'refused', reason: notPlaced, retrySeconds: null }
  const ruled = whyRuled(code, body)
  if (ruled) return { kind: 'refused', reason: ruled, retrySeconds: null, area: Object(body).area }
  if (status >= 400 && status < 500) {
    const isTold = typeof detail === 'string' && detail && refusal.kind !== 'full'
    const reason = code === 'sign-in' ? t('signInToPaint') : isTold ? detail : whyRefused(refusal)
    return { kind: 'refused', reason, retrySeconds: null, ...(code && { code }) }
  }
  // A proxy's 502 or 504, an inner error, a cut answer: the edit may still have reached the log.
  const isPlain = status === 200 || (code === 'outcome-unknown' && refusal.kind !== 'unreachable')
  const reason = isPlain ? t('didNotSay') : `${whyRefused(refusal)} ${t('didNotSay')}`
  return { kind: 'unknown', reason }
}

/**
 * Why moderators and hosts keep somebody from painting, there or now.
 *
 * @param {unknown} code
 * @param {any} body
 * @returns {string | null}  null: it is another reason
 */
function whyRuled(code, body) {
  const { until, opens } = Object(body)
  const moment = Date.parse(until ?? opens)
  const when = Number.isFinite(moment) ? MOMENT.format(moment) : null
  if (code === 'banned') return when ? t('bannedUntil', { moment: when }) : t('banned')
  if (code === 'closed') return when ? t('closedUntil', { moment: when }) : t('closedNow')
  return code === 'protected' ? t('isProtected') : null
}
