/**
 * The part of a link that signs somebody in, in the address' fragment, which browsers send to no server:
 *
 *     #code=CODE          from a printed sheet or a QR code
 *     #host=SECRET        for the host, once
 *     #sign-in=REASON     a provider has sent somebody back without having signed them in
 *
 * The page removes it from the address at once: somebody who looks over a shoulder, at the history, or at a bookmark, must
 * not get it. `takeFrom` is pure. Imports nothing.
 */

/** @typedef {{ code: string } | { host: string } | { failed: string }} Brought */

const MOST_CHARACTERS = 200

/**
 * @param {string} fragment  with or without '#'
 * @returns {{ brought: Brought | null, rest: string }} `rest`: the fragment without it, '' or with '#'
 */
export function takeFrom(fragment) {
  const fields = fragment.replace(/^#/, '').split('&')
  let brought = /** @type {Brought | null} */ (null)
  const others = fields.filter((field) => {
    const [, name, value] = /^(code|host|sign-in)=(.*)$/s.exec(field) ?? []
    if (!name) return field
    const said = decoded(value).trim()
    if (said && said.length <= MOST_CHARACTERS) brought ??= /** @type {Brought} */ ({ [name === 'sign-in' ? 'failed' : name]: said })
    return false
  })
  return { brought, rest: others.length ? `#${others.join('&')}` : '' }
}

/** Remove it from the page's own address. */
export function take() {
  const { brought, rest } = takeFrom(location.hash)
  // Not through `location`: that would leave a step in the history, with the code in it.
  if (rest !== location.hash) history.replaceState(null, '', rest || location.pathname + location.search)
  return brought
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
