/**
 * Templates in the page's address: entries of the fragment, beside those of the position.
 *
 *     #x=10&y=20&z=8&t=URL,x,y,width,opacity,style&t=…
 *
 * The URL is percent-encoded, its commas with it; from the width on all may be left out or empty. Pure; of the page it
 * imports the texts alone.
 */

import { STYLES, numberOf, refuse } from './template.js'

/** @typedef {import('./template.js').Template} Template */
/** @typedef {Pick<Template, 'x' | 'y' | 'url' | 'entry'> & Partial<Template>} Linked */

/** A stranger's link makes the page fetch and convert no more than this. */
const MAX_LINKED = 8
const MAX_URL_CHARACTERS = 2048

/**
 * @param {string} link  the page's address, with or without a fragment
 * @param {Template[]} templates  with a URL each
 */
export function withTemplates(link, templates) {
  const entries = templates.map(({ url, ...it }) =>
    ['t=' + encodeURIComponent(url), it.x, it.y, it.width, it.opacity, it.style].join()
  )
  const [page, fragment = ''] = link.split('#')
  return [page, [fragment, ...entries].filter(Boolean).join('&')].filter(Boolean).join('#')
}

/**
 * @param {string} fragment  with or without its #
 * @returns {{ linked: Linked[], refusals: string[] }}  the valid entries, and the errors of the others
 */
export function templatesOf(fragment) {
  const linked = /** @type {Linked[]} */ ([])
  const refusals = /** @type {string[]} */ ([])
  const entries = fragment.replace(/^#/, '').split('&').filter((part) => part.startsWith('t='))
  for (const [i, entry] of entries.slice(0, MAX_LINKED + 1).entries()) {
    try {
      if (i === MAX_LINKED) refuse(`${entries.length} x t=`, `≤ ${MAX_LINKED}`)
      linked.push(linkedOf(entry))
    } catch (error) {
      refusals.push(/** @type {Error} */ (error).message)
    }
  }
  return { linked, refusals }
}

/**
 * @param {string} text
 * @returns {string} the address, made whole
 * @throws {Error} the page fetches no images from such an address
 */
export function addressOf(text) {
  const url = URL.canParse(text) ? new URL(text) : null
  // fetch refuses an address with a password in it.
  if (/^https?:$/.test(url?.protocol ?? '') && !url?.username && !url?.password && text.length <= MAX_URL_CHARACTERS) {
    return /** @type {URL} */ (url).href
  }
  refuse(text, `https://…, ≤ ${MAX_URL_CHARACTERS}`)
}

/**
 * @param {string} text
 * @returns {string}  unchanged if its percent-encoding is invalid
 */
export function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/**
 * @param {string} entry
 * @returns {Linked}
 */
function linkedOf(entry) {
  const [url, x = '', y = '', width, opacity, style, ...more] = entry.slice(2).split(',')
  const known = STYLES.find((one) => one === style)
  if (more.length || (style && !known)) refuse(`${entry.slice(0, 40)}…,${style}`, STYLES.join(' | '))
  return {
    entry,
    url: addressOf(decoded(url)),
    x: numberOf('x', x),
    y: numberOf('y', y),
    ...(width && { width: numberOf('width', width) }),
    ...(opacity && { opacity: numberOf('opacity', opacity) }),
    ...(known && { style: known })
  }
}
