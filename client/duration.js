/**
 * Waiting times for people. Pure.
 */

import { language } from './language.js'

const TENTHS = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/**
 * A waiting time in words.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 9.95) return `${TENTHS.format(Math.max(0.1, seconds))} s`
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  return `${Math.ceil(seconds / 60)} min`
}
