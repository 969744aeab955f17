/**
 * The host's notices to everybody: whether the canvas takes edits, when that changes, and an announcement. Checked, since
 * the server's data comes unchecked. Pure; imports nothing. Moments are ms since the epoch, by the server's clock.
 */

/**
 * The server's data, unchecked; null or missing if there is nothing to say.
 * @typedef {{ gate?: unknown, announcement?: unknown }} Notices
 */

/** @typedef {{ isOpen: boolean, opens: number | null, closes: number | null }} Gate  the next moments at which it is to change */
/** @typedef {{ text: string, until: number | null }} Announcement */

const DAY_MS = 86_400_000

/**
 * @param {Notices} notices
 * @returns {Gate}
 */
export function gateOf({ gate }) {
  const { open, opens, closes } = Object(gate)
  return { isOpen: open !== false, opens: momentOf(opens), closes: momentOf(closes) }
}

/**
 * @param {Notices} notices
 * @param {number} now
 * @returns {Announcement | null} null: there is none, or its time is over
 */
export function announcementOf({ announcement }, now) {
  const { text, until } = Object(announcement)
  const end = momentOf(until)
  return typeof text === 'string' && text && (end === null || now < end) ? { text, until: end } : null
}

/**
 * Whether there is nothing to say: the canvas is open, as it always was.
 * @param {Notices} notices
 */
export function isPlain(notices) {
  const { isOpen, opens, closes } = gateOf(notices)
  return isOpen && opens === null && closes === null && announcementOf(notices, -Infinity) === null
}

/**
 * How long it takes until a moment: whole days, and hours, minutes and seconds as on a clock.
 *
 * @param {number} moment
 * @param {number} now
 * @returns {{ days: number, clock: string }} not below nothing
 */
export function countdown(moment, now) {
  const left = Math.max(0, Math.ceil((moment - now) / 1_000) * 1_000)
  const [hours, minutes, seconds] = [3_600_000, 60_000, 1_000].map((unit, i) => Math.floor((left % [DAY_MS, 3_600_000, 60_000][i]) / unit))
  const days = Math.floor(left / DAY_MS)
  const parts = [...(days || hours ? [String(hours)] : []), minutes, seconds]
  return { days, clock: parts.map((part, i) => (i ? String(part).padStart(2, '0') : String(part))).join(':') }
}

/**
 * @param {unknown} said  RFC 3339
 * @returns {number | null}
 */
function momentOf(said) {
  const moment = typeof said === 'string' ? Date.parse(said) : NaN
  return Number.isFinite(moment) ? moment : null
}
