/**
 * Random numbers for tests, from a seed.
 */

/**
 * A small generator (mulberry32, public domain), so that a failing seed can be run again.
 * @param {number} seed
 */
export function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * @param {number} seed
 * @returns {(below: number) => number} whole numbers from 0 up to, not including, `below`
 */
export function wholes(seed) {
  const random = chance(seed)
  return (below) => Math.floor(random() * below)
}
