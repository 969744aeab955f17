/**
 * A moment as part of an address' fragment: `#t=2017-04-01T18:20:00Z`, in RFC 3339 or in milliseconds since the epoch. Other
 * entries (a place, templates) stay as they are. Pure; imports nothing. Moments are ms since the epoch.
 */

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i
const MOST_MS = 8.64e15 // JavaScript's last date

/**
 * @param {string} fragment  with or without '#'
 * @returns {number | null}  null if it names none, or something else
 */
export function momentOf(fragment) {
  const text = new URLSearchParams(fragment.replace(/^#/, '')).get('t') ?? ''
  const moment = /^\d{1,16}$/.test(text) ? Number(text) : RFC_3339.test(text) ? Date.parse(text) : NaN
  return moment >= 0 && moment <= MOST_MS ? moment : null
}

/**
 * The fragment with this moment, and with its other entries.
 *
 * @param {string} fragment  with or without '#'
 * @param {number | null} moment  null: with none
 * @returns {string} with '#'; '' when nothing is left
 */
export function withMoment(fragment, moment) {
  const others = fragment
    .replace(/^#/, '')
    .split('&')
    .filter((field) => field && !field.startsWith('t='))
  const fields = moment === null ? others : [...others, `t=${rfc3339(moment)}`]
  return fields.length ? `#${fields.join('&')}` : ''
}

/**
 * In UTC, to the millisecond if it isn't a whole second.
 * @param {number} moment
 */
export function rfc3339(moment) {
  return new Date(moment).toISOString().replace('.000Z', 'Z')
}
