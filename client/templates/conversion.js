/**
 * Images to palette indexes, off the page's thread. One worker at a time: each is made for its job and ended after it,
 * so that what a large image took is given back.
 */

import { t } from '../language.js'

let last = Promise.resolve()

/**
 * @param {import('./template.js').Template} template
 * @param {string[]} palette  '#rrggbb'
 * @returns {Promise<Int16Array>} row by row, see quantise.js
 * @throws {Error} it is no image
 */
export function convert({ image, width, height }, palette) {
  const run = last.then(() => {
    const worker = new Worker(new URL('./quantise_worker.js', import.meta.url), { type: 'module' })
    return new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = () => reject(new Error(t('templateNoImage')))
      worker.postMessage({ image, width, height, palette })
    }).finally(() => worker.terminate())
  })
  last = run.catch(() => {})
  return run
}
