/**
 * Says in words what an answer other than 200 means: by the server's code, as problem+json, or else by the status alone, as
 * proxies give it. Pure.
 *
 *     full          too many from this address, or at all: try again later
 *     refused       the server, or a proxy before it, doesn't let this through
 *     signed-out    the server lets people through who are signed in
 *     restarting    the server can't just now
 *     unreachable   a proxy answers, the server does not
 *     too-large     the request is larger than the server or a proxy takes
 *     misdirected   this host name is none that the server answers to
 *     altered       something on the way changes the image beyond use
 *     failed        whatever else
 */

import { t } from '../words/language.js'

/** @typedef {'full' | 'refused' | 'signed-out' | 'restarting' | 'unreachable' | 'too-large' | 'misdirected' | 'altered' | 'failed'} Kind */
/**
 * @typedef {object} Refusal
 * @property {Kind} kind
 * @property {number} status
 * @property {boolean} [isFar]  the requested version is too long ago: an image has it, and the server doesn't refuse that
 */

/** Codes that say more than their status. */
const BY_CODE = new Map(/** @type {[string, Kind][]} */ ([['too-many-connections', 'full'], ['sign-in', 'signed-out']]))

const BY_STATUS = new Map(
  /** @type {[number, Kind][]} */ ([
    [401, 'refused'],
    [403, 'refused'],
    [407, 'refused'],
    [451, 'refused'],
    [511, 'refused'], // a network that wants its users to sign in
    [413, 'too-large'],
    [421, 'misdirected'],
    [429, 'full'],
    [502, 'unreachable'],
    [503, 'restarting'],
    [504, 'unreachable']
  ])
)

/**
 * @param {number} status
 * @param {unknown} code  problem+json's, if there was one
 * @returns {Refusal}
 */
export function refusalOf(status, code) {
  const kind = BY_CODE.get(String(code)) ?? BY_STATUS.get(status)
  const isFar = code === 'too-many-catch-ups'
  // With 520 to 530 Cloudflare says that it can't reach the server.
  const other = status >= 520 && status <= 530 ? 'unreachable' : 'failed'
  return { kind: kind ?? other, status, ...(isFar && { isFar }) }
}

/**
 * In a sentence.
 * @param {Refusal} refusal
 */
export function whyRefused({ kind, status }) {
  return t(`why_${kind}`, { status })
}
