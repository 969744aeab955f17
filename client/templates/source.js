/**
 * Where templates' images come from: files, and addresses on other sites. Both are bounded before anything is decoded.
 */

import { t } from '../words/language.js'
import '../words/more_texts.js'
import { headerOf } from './image_header.js'
import { checkSides, refuse } from './template.js'
import { uprightSize } from './upright.js'

/** A picture in palette colours with the largest sides takes less; a photo of that size may not. */
const MAX_FILE_MB = 8
const FETCH_MS = 30_000 // guessed: a slow phone gets 8 MB in that time, and a person is still there

/**
 * Fetch an image; the other site learns only the address.
 *
 * @param {string} url
 * @returns {Promise<Blob>}
 * @throws {Error} with what to do about it
 */
export async function download(url) {
  const { host } = new URL(url)
  const unreached = (/** @type {unknown} */ why) => new Error(t('templateUnreached', { host, why: String(why) }))
  /** @type {RequestInit} */
  const options = { credentials: 'omit', referrerPolicy: 'no-referrer', signal: AbortSignal.timeout(FETCH_MS) }
  const answer = await fetch(url, { ...options, mode: 'cors' }).catch(async (error) => {
    // A browser doesn't say which error it was; but a site that only forbids the use answers this request.
    await fetch(url, { ...options, mode: 'no-cors', method: 'HEAD' }).catch(() => Promise.reject(unreached(error.name)))
    throw new Error(t('templateForbidden', { host }))
  })
  if (!answer.ok || !answer.body) throw unreached(answer.status)
  const reader = answer.body.getReader()
  const chunks = []
  for (let bytes = 0; ; ) {
    const { done, value } = await reader.read().catch((error) => Promise.reject(unreached(error.name)))
    if (done) return new Blob(chunks)
    chunks.push(value)
    bytes += value.length
    if (bytes > MAX_FILE_MB * 1e6) reader.cancel().then(() => {}, () => {})
    checkBytes(bytes)
  }
}

/**
 * The image's size as shown, from its header: the page decodes nothing before it knows the size.
 *
 * @param {Blob} image
 * @throws {Error} it is too large, or none of the formats
 */
export async function sizeOf(image) {
  checkBytes(image.size)
  const header = headerOf(new Uint8Array(await image.arrayBuffer()))
  if (!header) throw new Error(t('templateNoImage'))
  const size = uprightSize(header)
  checkSides(size)
  return size
}

/** @param {number} bytes */
function checkBytes(bytes) {
  if (bytes > MAX_FILE_MB * 1e6) refuse(`${(bytes / 1e6).toFixed(1)} MB`, `≤ ${MAX_FILE_MB} MB`)
}
