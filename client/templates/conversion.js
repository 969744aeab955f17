/**
 * Turns images into palette indexes, off the page's thread. One worker at a time: each is made for one job and ended after
 * it, so that the browser frees the memory of a large image.
 */

import { t } from '../words/language.js'
import '../words/more_texts.js'

const MAX_MS = 60_000 // the largest image takes 3 s; a malicious slow file must not stop the others

let last = Promise.resolve()

/**
 * @param {import('./template.js').Template} template
 * @param {string[]} palette  '#rrggbb'
 * @returns {Promise<Int16Array>} row by row, see quantise.js
 * @throws {Error} it is no image, or can't be read in this browser; the message says so
 */
export function convert({ image, width, height }, palette) {
  const run = last.then(() => {
    const worker = new Worker(new URL('./quantise_worker.js', import.meta.url), { type: 'module' })
    return new Promise((resolve, reject) => {
      const refuse = (/** @type {import('../words/language.js').TextKey} */ text) => reject(new Error(t(text)))
      setTimeout(() => refuse('templateNoImage'), MAX_MS)
      worker.onmessage = ({ data }) => (data.indexes ? resolve(data.indexes) : refuse(data.refusal))
      worker.onerror = (error) => refuse(error instanceof ErrorEvent ? 'templateNoImage' : 'notLoaded')
      worker.postMessage({ image, width, height, palette })
    }).finally(() => worker.terminate())
  })
  last = run.catch(() => {})
  return run
}
