/**
 * The search that ALTCHA's challenge asks for: the whole number n, 0 <= n <= maxNumber, for which the SHA-256 of the salt
 * with n's decimal digits behind it is the challenge.
 *
 * The part before the digits is the same for all numbers, so its whole blocks are hashed once. From one number to the next
 * mostly one digit changes, and one block is hashed.
 *
 * Source: ALTCHA's protocol, version 1, https://altcha.org/docs/v1/proof-of-work/. Pure.
 */

import { BLOCK_BYTES, START, blocksOf, compress } from './sha256.js'

/**
 * @typedef {object} Challenge  as the server gives it
 * @property {string} algorithm
 * @property {string} challenge  hex
 * @property {number} maxNumber
 * @property {string} salt
 * @property {string} signature
 */

const MOST = 100_000_000 // tries: they take minutes, and nobody waits that long
const MOST_SALT = 1_024 // characters
const [ZERO, NINE] = [48, 57]

/**
 * Whether this module can solve a challenge.
 *
 * @param {any} challenge  parsed JSON
 * @returns {challenge is Challenge}
 */
export function isSolvable(challenge) {
  const { algorithm, challenge: wanted, maxNumber, salt, signature } = Object(challenge)
  return (
    algorithm === 'SHA-256' && /^[0-9a-f]{64}$/.test(wanted) && typeof salt === 'string' && salt.length <= MOST_SALT &&
    Number.isInteger(maxNumber) && maxNumber >= 0 && maxNumber <= MOST && typeof signature === 'string'
  )
}

/**
 * Solve a challenge. It takes seconds: not for the page's own thread.
 *
 * @param {Challenge} challenge  a solvable one
 * @returns {number | null}  null: no number solves it
 */
export function solve({ challenge, maxNumber, salt }) {
  const wanted = Int32Array.from({ length: 8 }, (_, i) => parseInt(challenge.slice(8 * i, 8 * i + 8), 16))
  const fixed = new TextEncoder().encode(salt)
  for (let digits = 1; digits <= String(maxNumber).length; digits++) {
    const from = digits === 1 ? 0 : 10 ** (digits - 1)
    const found = find(wanted, fixed, from, Math.min(maxNumber, 10 ** digits - 1))
    if (found !== null) return found
  }
  return null
}

/**
 * @param {Int32Array} wanted  the hash
 * @param {Uint8Array} fixed  the bytes before the digits
 * @param {number} from
 * @param {number} to  included; has as many digits as `from`
 */
function find(wanted, fixed, from, to) {
  const { state, blocks, add } = numberBehind(fixed, String(from))
  const hash = new Int32Array(8)
  for (let n = from; n <= to; n++) {
    compress(state, blocks, 0, hash)
    for (let at = 16; at < blocks.length; at += 16) compress(hash, blocks, at, hash)
    // One in 4,000 million of the others has the same first word.
    if (hash[0] === wanted[0] && hash.every((word, i) => word === wanted[i])) return n
    add()
  }
  return null
}

/**
 * A message that ends in a number.
 *
 * @param {Uint8Array} fixed
 * @param {string} digits
 * @returns {{ state: Int32Array, blocks: Int32Array, add: () => void }}  the state before its last blocks, these blocks, and
 *   a function that adds one to the number, as long as it keeps its length
 */
function numberBehind(fixed, digits) {
  const whole = fixed.length - (fixed.length % BLOCK_BYTES)
  const state = START.slice()
  const before = blocksOf(fixed)
  for (let at = 0; at < whole / 4; at += 16) compress(state, before, at, state)
  const tail = Uint8Array.from([...fixed.subarray(whole), ...new TextEncoder().encode(digits)])
  const blocks = blocksOf(tail, whole)
  const add = () => {
    for (let at = tail.length - 1; ; at--) {
      const carries = tail[at] === NINE
      const byte = carries ? ZERO : tail[at] + 1
      const shift = 24 - 8 * (at & 3)
      blocks[at >> 2] ^= (tail[at] ^ byte) << shift
      tail[at] = byte
      if (!carries || at === 0) return
    }
  }
  return { state, blocks, add }
}
