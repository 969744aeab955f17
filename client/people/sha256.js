/**
 * SHA-256 (FIPS 180-4) for a search that tries a million messages. The browser's own, `crypto.subtle`, isn't there on plain
 * HTTP, as in a classroom's network, and answers each hash by a promise, which takes longer than the hash. Pure; imports
 * nothing.
 */

export const BLOCK_BYTES = 64
/** Behind a message: the bit that ends it, and its length. */
export const END_BYTES = 9

const primes = /** @type {number[]} */ ([])
for (let n = 2; primes.length < 64; n++) if (primes.every((prime) => n % prime)) primes.push(n)
const K = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))
/** The state before the first block. */
export const START = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))
const words = new Int32Array(64) // a block's schedule, overwritten for each: a search allocates nothing

/**
 * Hash one block.
 *
 * @param {Int32Array} before  the state, 8 words
 * @param {Int32Array} blocks  16 words each, big-endian
 * @param {number} from  the block's first word
 * @param {Int32Array} after  gets the next state; may be the same as `before`
 */
export function compress(before, blocks, from, after) {
  for (let i = 0; i < 16; i++) words[i] = blocks[from + i]
  for (let i = 16; i < 64; i++) {
    const late = words[i - 2]
    const early = words[i - 15]
    const s1 = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10)
    const s0 = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3)
    words[i] = (s1 + words[i - 7] + s0 + words[i - 16]) | 0
  }
  let a = before[0]
  let b = before[1]
  let c = before[2]
  let d = before[3]
  let e = before[4]
  let f = before[5]
  let g = before[6]
  let h = before[7]
  for (let i = 0; i < 64; i++) {
    const S1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + S1 + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0
    const S0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (S0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  after[0] = a + before[0]
  after[1] = b + before[1]
  after[2] = c + before[2]
  after[3] = d + before[3]
  after[4] = e + before[4]
  after[5] = f + before[5]
  after[6] = g + before[6]
  after[7] = h + before[7]
}

/**
 * A message's blocks, with the padding.
 *
 * @param {Uint8Array} message
 * @param {number} [before]  bytes hashed before it: whole blocks
 * @returns {Int32Array} 16 words a block
 */
export function blocksOf(message, before = 0) {
  const count = Math.ceil((message.length + END_BYTES) / BLOCK_BYTES)
  const bytes = new DataView(new ArrayBuffer(count * BLOCK_BYTES))
  message.forEach((byte, i) => bytes.setUint8(i, byte))
  bytes.setUint8(message.length, 0x80)
  bytes.setUint32(bytes.byteLength - 4, (before + message.length) * 8)
  return Int32Array.from({ length: count * 16 }, (_, i) => bytes.getInt32(i * 4))
}

/**
 * The first 32 bits of the fraction.
 * @param {number} root
 */
function fraction(root) {
  return ((root % 1) * 2 ** 32) | 0
}
