/**
 * Waiting times for people. Pure.
 */

import { language, t } from './language.js'

const TENTHS = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1 })

/**
 * A waiting time in words.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 9.95) return t('seconds', { time: TENTHS.format(Math.max(0.1, seconds)) })
  if (seconds < 120) return t('seconds', { time: Math.ceil(seconds) })
  return t('minutes', { time: Math.ceil(seconds / 60) })
}
