/**
 * A page of the history's edits, as `placed/history/edits_page.py` packs it, which draws the bytes:
 *
 *     head | offsets, as steps | times, as steps | edit codes
 *
 * Little-endian. Pure.
 */

import { unpackEdits } from '../canvas/edit_code.js'

const HEAD_BYTES = 52
const MAGIC = 0x64456c70 // 'plEd'
const FORMAT = 1

/**
 * @param {Uint8Array} bytes
 * @returns {import('./stretch.js').Edits}
 * @throws {RangeError} it is no such page, or is cut short
 */
export function decodePage(bytes) {
  const head = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD_BYTES || head.getUint32(0, true) !== MAGIC || head.getUint8(4) !== FORMAT) {
    throw new RangeError(`${bytes.length} bytes are no page of the history's edits`)
  }
  const [xBits, yBits, colorBits] = [5, 6, 7].map((at) => head.getUint8(at))
  const count = head.getUint32(40, true)
  const [offsetsEnd, timesEnd] = [head.getUint32(44, true), head.getUint32(44, true) + head.getUint32(48, true)].map((at) => HEAD_BYTES + at)
  const layout = { x_bits: xBits, y_bits: yBits, color_bits: colorBits, bytes: Math.max(1, Math.ceil((xBits + yBits + colorBits) / 8)) }
  if (bytes.length !== timesEnd + count * layout.bytes) throw new RangeError(`the page of ${count} edits has ${bytes.length} bytes`)
  return {
    from: whole(head, 8),
    to: whole(head, 24),
    versions: sums(bytes.subarray(HEAD_BYTES, offsetsEnd), count, whole(head, 8), (step) => step),
    times: sums(bytes.subarray(offsetsEnd, timesEnd), count, whole(head, 32), unzigzag),
    places: unpackEdits(layout, bytes.subarray(timesEnd))
  }
}

/**
 * @param {DataView} head
 * @param {number} at  of 8 bytes; neither versions nor times come near to 2 ** 53
 */
function whole(head, at) {
  return head.getInt32(at + 4, true) * 2 ** 32 + head.getUint32(at, true)
}

/**
 * Add up the steps.
 *
 * @param {Uint8Array} bytes  varints: 7 bits in a byte, the lowest first; the highest bit says that another byte follows
 * @param {number} count
 * @param {number} start
 * @param {(step: number) => number} stepOf
 */
function sums(bytes, count, start, stepOf) {
  const found = new Float64Array(count)
  let [at, sum] = [0, start]
  for (let i = 0; i < count; i++) {
    let [step, unit] = [0, 1]
    for (let byte = 128; byte & 128; unit *= 128) {
      byte = bytes[at++]
      if (byte === undefined) throw new RangeError('a step of the page is cut off')
      step += (byte & 127) * unit
    }
    found[i] = sum += stepOf(step)
  }
  return found
}

/** @param {number} coded  2n, or -2n - 1 for n below 0 */
function unzigzag(coded) {
  return coded % 2 ? -(coded + 1) / 2 : coded / 2
}
