/**
 * A place on the canvas as the fragment of an address: `#x=120&y=80&z=16`, the canvas pixel in the middle of the screen, and
 * CSS pixels per canvas pixel. Other entries (`t=…`, templates) stay as they are. Pure; imports nothing.
 */

/** @typedef {{ x: number, y: number, scale: number | null }} Place  `scale` null: as it is */

/**
 * @param {string} fragment  with or without '#'
 * @returns {Place | null}  null if it names none, or not in whole numbers
 */
export function placeOf(fragment) {
  const fields = new URLSearchParams(fragment.replace(/^#/, ''))
  const [x, y] = [fields.get('x') ?? '', fields.get('y') ?? '']
  if (!/^\d{1,4}$/.test(x) || !/^\d{1,4}$/.test(y)) return null
  const scale = /^\d{1,3}(\.\d{1,4})?$/.test(fields.get('z') ?? '') ? Number(fields.get('z')) : 0
  return { x: Number(x), y: Number(y), scale: scale > 0 ? scale : null }
}

/**
 * The fragment that names a place, and keeps the other entries of `fragment`.
 *
 * @param {Place} place
 * @param {string} [fragment]
 * @returns {string} with '#'
 */
export function fragmentOf({ x, y, scale }, fragment = '') {
  const others = fragment
    .replace(/^#/, '')
    .split('&')
    .filter((field) => field && !/^[xyz]=/.test(field))
  const zoom = scale === null ? [] : [`z=${Number(scale.toPrecision(3))}`]
  return `#${[`x=${x}`, `y=${y}`, ...zoom, ...others].join('&')}`
}
