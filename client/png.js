/**
 * Reads the server's canvas image: an indexed PNG (W3C PNG, third edition), not interlaced, into palette indexes.
 *
 * Why not the browser's own decoder: it gives colours after colour management, which some browsers also blur on purpose
 * against fingerprinting, and two palette entries may share a colour. Here the indexes come out exactly as the server
 * wrote them, with the version that travels inside the same file.
 *
 * Needs DecompressionStream; no DOM.
 */

/**
 * @typedef {object} IndexedImage
 * @property {number} width
 * @property {number} height
 * @property {Uint8Array} indexes  width * height palette indexes, row by row
 * @property {Map<string, string>} texts  the tEXt chunks, by keyword
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
const MAX_SIDE_PX = 4096 // as in placed/edit_code.py; an image that claims more is not a canvas
const INDEXED = 3

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @returns {Promise<IndexedImage>}
 * @throws {Error} it is not an indexed PNG, or it is cut short or damaged
 */
export async function decodeIndexedPng(file) {
  if (SIGNATURE.some((byte, i) => file[i] !== byte)) throw new Error('the image is not a PNG')
  const bytes = new DataView(file.buffer, file.byteOffset, file.byteLength)
  /** @type {{ width: number, height: number, depth: number } | null} */
  let header = null
  /** @type {Uint8Array<ArrayBuffer>[]} */
  const packed = []
  /** @type {Map<string, string>} */
  const texts = new Map()
  let ended = false
  for (let at = SIGNATURE.length; !ended; ) {
    if (at + 12 > file.length) throw new Error('the image is cut short')
    const length = bytes.getUint32(at)
    const type = latin1(file.subarray(at + 4, at + 8))
    if (at + 12 + length > file.length) throw new Error('the image is cut short')
    const body = file.subarray(at + 8, at + 8 + length)
    if (type === 'IHDR') header = readHeader(body)
    else if (type === 'IDAT') packed.push(body)
    else if (type === 'tEXt') addText(texts, body)
    else if (type === 'IEND') ended = true
    at += 12 + length
  }
  if (!header) throw new Error('the image has no header')
  const rowBytes = Math.ceil((header.width * header.depth) / 8)
  const rows = await inflate(packed, (rowBytes + 1) * header.height)
  unfilter(rows, rowBytes, header.height)
  return { width: header.width, height: header.height, indexes: unpackRows(rows, rowBytes, header), texts }
}

/** @param {Uint8Array} body */
function readHeader(body) {
  if (body.length !== 13) throw new Error('the image has a damaged header')
  const fields = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const [width, height, depth, colors] = [fields.getUint32(0), fields.getUint32(4), body[8], body[9]]
  if (!width || !height || width > MAX_SIDE_PX || height > MAX_SIDE_PX) {
    throw new Error(`the image is ${width} x ${height}; a canvas has 1 to ${MAX_SIDE_PX} pixels a side`)
  }
  if (colors !== INDEXED || ![1, 2, 4, 8].includes(depth) || body[10] || body[11] || body[12]) {
    throw new Error('the image is not a plain indexed PNG; something on the way has converted it')
  }
  return { width, height, depth }
}

/**
 * @param {Map<string, string>} texts
 * @param {Uint8Array} body
 */
function addText(texts, body) {
  const end = body.indexOf(0)
  if (end > 0) texts.set(latin1(body.subarray(0, end)), latin1(body.subarray(end + 1)))
}

/** @param {Uint8Array} bytes */
function latin1(bytes) {
  return String.fromCharCode(...bytes)
}

/**
 * @param {Uint8Array<ArrayBuffer>[]} packed
 * @param {number} expectedBytes
 */
async function inflate(packed, expectedBytes) {
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
 * @param {number} rowBytes
 * @param {number} height
 */
function unfilter(rows, rowBytes, height) {
  const stride = rowBytes + 1
  for (let y = 0; y < height; y++) {
    const start = y * stride + 1
    const filter = rows[start - 1]
    if (filter > 4) throw new Error(`row ${y} of the image has the unknown filter ${filter}`)
    if (filter === 0) continue
    for (let i = start; i < start + rowBytes; i++) {
      // Indexed pixels take at most one byte, so 'the pixel to the left' is always the byte before.
      const left = i > start ? rows[i - 1] : 0
      const up = y ? rows[i - stride] : 0
      const upLeft = y && i > start ? rows[i - stride - 1] : 0
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
