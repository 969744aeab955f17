/**
 * A moderator's choices, as `POST /acts` takes them. Needs no DOM.
 */

/** @typedef {import('../view/area.js').Rectangle} Rectangle */

/**
 * An act as JSON: `kind`, and the fields of that kind.
 * @typedef {{ kind: string } & Record<string, unknown>} ActRequest
 */

/**
 * The form's values.
 * @typedef {object} Chosen
 * @property {'restore' | 'wipe' | 'stamp' | 'protect' | 'ban' | 'unban'} kind
 * @property {Rectangle | null} area  null: all of the canvas
 * @property {string[]} authors  16 hex digits each; none: everybody's
 * @property {'moment' | 'ago' | 'others'} to  what to restore: the moment on the time line, so long ago, or the last colour by others
 * @property {number | null} moment  on the time line, ms since the epoch; null while that shows the present
 * @property {number} minutes  how long ago
 * @property {number} color
 * @property {string} picture  base64
 * @property {number | null} hours  how long a ban lasts; null: for good
 * @property {string} reason
 */

/** A missing choice: the key of the text that says so. */
export class Missing extends Error {
  /** @param {'mod_noArea' | 'mod_badArea' | 'mod_noAuthor' | 'mod_noMoment' | 'mod_noPicture' | 'mod_noMinutes'} key */
  constructor(key) {
    super(key)
    this.key = key
  }
}

/**
 * The area from the typed numbers; null without any.
 *
 * @param {string[]} typed  x, y, width, height
 * @param {{ width: number, height: number }} canvas
 * @returns {Rectangle | null}
 * @throws {Missing} it isn't on the canvas; this must never mean the whole canvas
 */
export function areaOf(typed, canvas) {
  if (typed.every((number) => number === '')) return null
  const [x, y, width, height] = typed.map((number) => (number === '' ? NaN : Number(number)))
  const isOne = [x, y, width, height].every(Number.isInteger) && x >= 0 && y >= 0 && width >= 1 && height >= 1
  if (isOne && x + width <= canvas.width && y + height <= canvas.height) return { x, y, width, height }
  throw new Missing('mod_badArea')
}

/**
 * The act that was chosen.
 *
 * @param {Chosen} chosen
 * @param {{ width: number, height: number }} canvas
 * @param {number} now  ms since the epoch
 * @returns {ActRequest}
 * @throws {Missing}
 */
export function actOf(chosen, canvas, now) {
  const { kind, reason } = chosen
  return { kind, ...PARTS[kind](chosen, canvas, now), ...(reason && { reason }) }
}

/** @type {Record<Chosen['kind'], (chosen: Chosen, canvas: { width: number, height: number }, now: number) => object>} */
const PARTS = {
  restore(chosen, canvas, now) {
    const { area, authors } = chosen
    const to = toOf(chosen, now)
    if (!to && !authors.length) throw new Missing('mod_noAuthor') // whose pixels else?
    return {
      // Without an author the act is for all pixels of an area, so it needs an area.
      ...((area || !authors.length) && { area: listOf(area, canvas) }),
      ...(authors.length && { authors }),
      ...(to && { to })
    }
  },
  wipe: ({ area, color }, canvas) => ({ area: namedArea(area, canvas), ...(color && { color }) }),
  stamp({ area, picture }, canvas) {
    if (!picture) throw new Missing('mod_noPicture')
    return { area: namedArea(area, canvas), picture }
  },
  protect: ({ area }, canvas) => ({ area: namedArea(area, canvas) }),
  ban({ authors, hours }, _, now) {
    if (!authors.length) throw new Missing('mod_noAuthor')
    return { authors, until: hours === null ? null : new Date(now + hours * 3_600_000).toISOString() }
  },
  unban({ authors }) {
    if (!authors.length) throw new Missing('mod_noAuthor')
    return { authors }
  }
}

/**
 * @param {Chosen} chosen
 * @param {number} now
 */
function toOf({ to, moment, minutes }, now) {
  if (to === 'others') return null
  if (to === 'moment' && moment === null) throw new Missing('mod_noMoment')
  if (to === 'ago' && !(minutes > 0)) throw new Missing('mod_noMinutes')
  return { t: new Date(to === 'ago' ? now - minutes * 60_000 : Math.floor(Number(moment))).toISOString() }
}

/**
 * An act that changes an area for everybody needs a chosen area: nobody must wipe the canvas by forgetting to choose.
 *
 * @param {Rectangle | null} area
 * @param {{ width: number, height: number }} canvas
 */
function namedArea(area, canvas) {
  if (!area) throw new Missing('mod_noArea')
  return listOf(area, canvas)
}

/**
 * @param {Rectangle | null} area
 * @param {{ width: number, height: number }} canvas
 */
function listOf(area, { width, height }) {
  return area ? [area.x, area.y, area.width, area.height] : [0, 0, width, height]
}
