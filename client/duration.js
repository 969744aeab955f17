/**
 * Waiting times for people. Pure; imports nothing.
 */

/**
 * A waiting time in words.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 9.95) return `${Math.max(0.1, seconds).toFixed(1)} s`
  if (seconds < 120) return `${Math.ceil(seconds)} s`
  return `${Math.ceil(seconds / 60)} min`
}
