/**
 * Files that the page makes, for a person to keep.
 */

import { make } from './elements.js'

/**
 * Let the browser download a file.
 *
 * @param {Blob} file
 * @param {string} ending  of its name, as '.png'
 */
export function save(file, ending) {
  const href = URL.createObjectURL(file)
  make('a', { href, download: `placed-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}${ending}` }).click()
  setTimeout(() => URL.revokeObjectURL(href), 60_000) // the download reads it after the click has returned
}
