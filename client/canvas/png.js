/**
 * Reads PNG files (W3C PNG, third edition): their chunks, and the palette indexes of a plain indexed one. `png_pixels.js`
 * reads all other kinds.
 *
 * Why not the browser's own decoder: it gives colours after colour management, which some browsers also blur on purpose
 * against fingerprinting, and two palette entries may share a colour. Here the indexes come out exactly as the server
 * wrote them, with the version that travels inside the same file.
 *
 * Needs DecompressionStream; no DOM.
 */

/**
 * @typedef {object} Png  a file's chunks
 * @property {number} width
 * @property {number} height
 * @property {number} depth  bits of a sample
 * @property {number} colors  0 grey, 2 RGB, 3 indexed, 4 grey and alpha, 6 RGB and alpha
 * @property {boolean} interlaced
 * @property {Uint8Array} palette  red, green, blue, red, …; empty without one
 * @property {Uint8Array | null} transparency  tRNS
 * @property {Map<string, string>} texts  the tEXt chunks, by keyword
 * @property {Uint8Array<ArrayBuffer>[]} packed  the image data, cut as it is in the file
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const MAX_SIDE_PX = 4096 // as in placed/canvas/edit_code.py; neither a canvas nor a template is larger
const INDEXED = 3
/** The bit depths that there are, by colour type (section 11.2.1). */
const DEPTHS = /** @type {Record<number, number[]>} */ ({ 0: [1, 2, 4, 8, 16], 2: [8, 16], 3: [1, 2, 4, 8], 4: [8, 16], 6: [8, 16] })
const ISO_8859_1 = new TextDecoder('latin1')

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @returns {Png}
 * @throws {Error} it is no PNG, too large, cut short, or damaged
 */
export function parsePng(file) {
  if (SIGNATURE.some((byte, i) => file[i] !== byte)) throw new Error('the image is not a PNG')
  const bytes = new DataView(file.buffer, file.byteOffset, file.byteLength)
  let header = /** @type {ReturnType<typeof readHeader> | null} */ (null)
  let palette = new Uint8Array()
  let transparency = /** @type {Uint8Array | null} */ (null)
  const packed = /** @type {Uint8Array<ArrayBuffer>[]} */ ([])
  const texts = /** @type {Map<string, string>} */ (new Map())
  let ended = false
  for (let at = SIGNATURE.length; !ended; ) {
    if (at + 12 > file.length) throw new Error('the image is cut short')
    const length = bytes.getUint32(at)
    const type = ISO_8859_1.decode(file.subarray(at + 4, at + 8))
    if (at + 12 + length > file.length) throw new Error('the image is cut short')
    const body = file.subarray(at + 8, at + 8 + length)
    if (type === 'IHDR') header ??= readHeader(body)
    else if (type === 'PLTE') palette = body
    else if (type === 'tRNS') transparency = body
    else if (type === 'IDAT') packed.push(body)
    else if (type === 'tEXt') addText(texts, body)
    else if (type === 'IEND') ended = true
    at += 12 + length
  }
  if (!header) throw new Error('the image has no header')
  return { ...header, palette, transparency, texts, packed }
}

/** @param {Uint8Array} body */
function readHeader(body) {
  if (body.length !== 13) throw new Error('the image has a damaged header')
  const fields = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const [width, height, depth, colors] = [fields.getUint32(0), fields.getUint32(4), body[8], body[9]]
  if (!width || !height || width > MAX_SIDE_PX || height > MAX_SIDE_PX) {
    throw new Error(`the image is ${width} x ${height}; allowed are 1 to ${MAX_SIDE_PX} pixels a side`)
  }
  if (!DEPTHS[colors]?.includes(depth) || body[10] || body[11] || body[12] > 1) throw new Error('the image has a damaged header')
  return { width, height, depth, colors, interlaced: body[12] === 1 }
}

/**
 * @param {Map<string, string>} texts
 * @param {Uint8Array} body
 */
function addText(texts, body) {
  const end = body.indexOf(0)
  if (end > 0) texts.set(ISO_8859_1.decode(body.subarray(0, end)), ISO_8859_1.decode(body.subarray(end + 1)))
}

/** @param {Png} png */
export function isPlainIndexed({ colors, interlaced }) {
  return colors === INDEXED && !interlaced
}

/**
 * @param {Png} png  a plain indexed one
 * @returns {Promise<Uint8Array>} width * height palette indexes, row by row
 * @throws {Error} it is damaged
 */
export async function indexesOf(png) {
  const rowBytes = Math.ceil((png.width * png.depth) / 8)
  const rows = await inflate(png.packed, (rowBytes + 1) * png.height)
  unfilter(rows, { rowBytes, height: png.height, step: 1 })
  return unpackRows(rows, rowBytes, png)
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} packed
 * @param {number} expectedBytes
 */
export async function inflate(packed, expectedBytes) {
  const rows = new Uint8Array(expectedBytes)
  let filled = 0
  const reader = new Blob(packed).stream().pipeThrough(new DecompressionStream('deflate')).getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    if (filled + value.length > expectedBytes) {
      await reader.cancel()
      throw new Error('the image holds more rows than its header says')
    }
    rows.set(value, filled)
    filled += value.length
  }
  if (filled < expectedBytes) throw new Error('the image holds fewer rows than its header says')
  return rows
}

/**
 * Undo the row filters in place. Each row is one byte for the filter's type, then `rowBytes` bytes.
 *
 * @param {Uint8Array} rows
 * @param {{ rowBytes: number, height: number, step: number }} shape  `step`: bytes to the pixel on the left, at least 1
 */
export function unfilter(rows, { rowBytes, height, step }) {
  const stride = rowBytes + 1
  for (let y = 0; y < height; y++) {
    const start = y * stride + 1
    const filter = rows[start - 1]
    if (filter > 4) throw new Error(`row ${y} of the image has the unknown filter ${filter}`)
    if (filter === 0) continue
    for (let i = start; i < start + rowBytes; i++) {
      const hasLeft = i >= start + step
      const left = hasLeft ? rows[i - step] : 0
      const up = y ? rows[i - stride] : 0
      const upLeft = y && hasLeft ? rows[i - stride - step] : 0
      if (filter === 1) rows[i] += left
      else if (filter === 2) rows[i] += up
      else if (filter === 3) rows[i] += (left + up) >> 1
      else rows[i] += paeth(left, up, upLeft)
    }
  }
}

/**
 * @param {number} left
 * @param {number} up
 * @param {number} upLeft
 */
function paeth(left, up, upLeft) {
  const toLeft = Math.abs(up - upLeft)
  const toUp = Math.abs(left - upLeft)
  const toUpLeft = Math.abs(left + up - 2 * upLeft)
  if (toLeft <= toUp && toLeft <= toUpLeft) return left
  return toUp <= toUpLeft ? up : upLeft
}

/**
 * @param {Uint8Array} rows
 * @param {number} rowBytes
 * @param {{ width: number, height: number, depth: number }} header
 */
function unpackRows(rows, rowBytes, { width, height, depth }) {
  const indexes = new Uint8Array(width * height)
  const perByte = 8 / depth
  const mask = 2 ** depth - 1
  for (let y = 0, to = 0; y < height; y++) {
    const start = y * (rowBytes + 1) + 1
    if (depth === 8) {
      indexes.set(rows.subarray(start, start + width), to)
      to += width
      continue
    }
    for (let x = 0; x < width; x++, to++) {
      const byte = rows[start + Math.floor(x / perByte)]
      indexes[to] = (byte >> (8 - depth - (x % perByte) * depth)) & mask
    }
  }
  return indexes
}
