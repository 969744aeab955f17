/**
 * The edit code: one edit as one little-endian integer, as `placed/canvas/edit_code.py` packs it.
 *
 *     bit 0         x_bits          x_bits + y_bits          x_bits + y_bits + color_bits
 *     |   x         |       y       |         color          |   0 up to a whole byte   |
 *
 * Pure; imports nothing.
 */

/**
 * The layout for one canvas, as `GET /info` gives it.
 * @typedef {object} EditCode
 * @property {number} x_bits
 * @property {number} y_bits
 * @property {number} color_bits
 * @property {number} bytes  bytes per edit, 1 to 4
 */

/**
 * Unpack n edits into one array of 3 * n numbers: x, y, color, x, y, color, …
 *
 * @param {EditCode} layout
 * @param {Uint8Array} codes  n * `layout.bytes` bytes
 * @returns {Uint16Array}
 * @throws {RangeError} the length is not a multiple of `layout.bytes`
 */
export function unpackEdits(layout, codes) {
  const size = layout.bytes
  if (codes.length % size) throw new RangeError(`${codes.length} bytes are not a multiple of the edit code's ${size}`)
  const colorShift = layout.x_bits + layout.y_bits
  const xMask = 2 ** layout.x_bits - 1
  const yMask = 2 ** layout.y_bits - 1
  const colorMask = 2 ** layout.color_bits - 1
  const edits = new Uint16Array((codes.length / size) * 3)
  for (let from = 0, to = 0; from < codes.length; from += size, to += 3) {
    let code = 0
    for (let byte = size - 1; byte >= 0; byte--) code = (code << 8) | codes[from + byte]
    edits[to] = code & xMask
    edits[to + 1] = (code >>> layout.x_bits) & yMask
    edits[to + 2] = (code >>> colorShift) & colorMask
  }
  return edits
}

/**
 * The bytes of a base64 text.
 *
 * @param {string} text
 * @throws {DOMException} it is not base64
 */
export function bytesOfBase64(text) {
  const binary = atob(text)
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}
