/**
 * Reads an image file's header before anything decodes the file: its format, its size, and its orientation (EXIF). Every
 * file passes here first: an SVG is a program, and a few bytes can claim 30,000 x 30,000 pixels. Pure; imports nothing.
 *
 * Formats: W3C PNG; JPEG, ITU T.81, annex B; GIF89a; WebP, RFC 9649; BMP; EXIF, CIPA DC-008, section 4.6.5.
 */

/**
 * @typedef {object} Header
 * @property {'png' | 'jpeg' | 'gif' | 'webp' | 'bmp'} format
 * @property {number} width  as stored; an orientation by a quarter turn swaps the sides
 * @property {number} height
 * @property {number} turn  EXIF's orientation, 1 to 8; 1 is upright
 * @property {number} turnAt  where in the file that number is; -1 if nowhere
 */

/** @typedef {{ width: number, height: number, exif?: [number, number] | undefined }} Found  `exif`: where its TIFF begins and ends */

const MAX_PARTS = 10_000 // chunks or segments before the pixels: a file with more is meant to be slow
const ORIENTATION = 0x0112
const MAX_TAGS = 1_000

/**
 * @param {Uint8Array} file
 * @returns {Header | null} null: none of these formats, or its header is cut short or damaged
 */
export function headerOf(file) {
  const bytes = new DataView(file.buffer, file.byteOffset, file.byteLength)
  try {
    for (const [format, magic, read] of FORMATS) {
      if (!magic.test(ascii(file, 0, 16))) continue
      const { width, height, exif } = read(bytes, file)
      if (!width || !height) return null
      return { format, width, height, ...turnOf(bytes, exif) }
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error // the file ends before its header does
  }
  return null
}

/** The first bytes of each format, each byte as a character of the same number, and the function that reads on. */
const FORMATS = /** @type {[Header['format'], RegExp, (bytes: DataView, file: Uint8Array) => Found][]} */ ([
  ['png', /^\x89PNG\r\n\x1a\n/, readPng],
  ['jpeg', /^\xff\xd8\xff/, readJpeg],
  ['gif', /^GIF8[79]a/, readGif],
  ['webp', /^RIFF[^]{4}WEBP/, readWebp],
  ['bmp', /^BM/, readBmp]
])

/**
 * @param {DataView} bytes
 * @param {Uint8Array} file
 * @returns {Found}
 */
function readPng(bytes, file) {
  const found = /** @type {Found} */ ({ width: bytes.getUint32(16), height: bytes.getUint32(20) })
  for (let at = 8, parts = 0; at + 8 <= file.length && parts < MAX_PARTS; parts++) {
    const length = bytes.getUint32(at)
    if (ascii(file, at + 4, 4) === 'eXIf') found.exif = [at + 8, at + 8 + length]
    at += 12 + length
  }
  return found
}

/**
 * @param {DataView} bytes
 * @param {Uint8Array} file
 * @returns {Found}
 */
function readJpeg(bytes, file) {
  let exif
  for (let at = 2, parts = 0; parts < MAX_PARTS; parts++) {
    while (bytes.getUint8(at) === 0xff && bytes.getUint8(at + 1) === 0xff) at++ // fill bytes
    const [mark, kind, length] = [bytes.getUint8(at), bytes.getUint8(at + 1), bytes.getUint16(at + 2)]
    if (mark !== 0xff || length < 2) break
    // A frame's header, of any coding; the numbers of DHT, JPG and DAC lie between them.
    if (kind >= 0xc0 && kind <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(kind)) {
      return { width: bytes.getUint16(at + 7), height: bytes.getUint16(at + 5), exif }
    }
    if (kind === 0xe1 && ascii(file, at + 4, 6) === 'Exif\0\0') exif ??= /** @type {[number, number]} */ ([at + 10, at + 2 + length])
    at += 2 + length
  }
  return { width: 0, height: 0 }
}

/**
 * The first frame may be larger than the file's screen size; browsers show no other frame here.
 *
 * @param {DataView} bytes
 * @returns {Found}
 */
function readGif(bytes) {
  const screen = { width: bytes.getUint16(6, true), height: bytes.getUint16(8, true) }
  const flags = bytes.getUint8(10)
  let at = 13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
  for (let parts = 0; parts < MAX_PARTS && bytes.getUint8(at) === 0x21; parts++) {
    at += 2
    while (bytes.getUint8(at)) at += bytes.getUint8(at) + 1 // an extension's blocks
    at++
  }
  if (bytes.getUint8(at) !== 0x2c) return { width: 0, height: 0 }
  const [left, top, width, height] = [1, 3, 5, 7].map((offset) => bytes.getUint16(at + offset, true))
  return { width: Math.max(screen.width, left + width), height: Math.max(screen.height, top + height) }
}

/**
 * @param {DataView} bytes
 * @param {Uint8Array} file
 * @returns {Found}
 */
function readWebp(bytes, file) {
  const found = /** @type {Found} */ ({ width: 0, height: 0 })
  for (let at = 12, parts = 0; at + 8 <= file.length && parts < MAX_PARTS; parts++) {
    const [kind, length, body] = [ascii(file, at, 4), bytes.getUint32(at + 4, true), at + 8]
    const size = webpSize(kind, bytes, body)
    found.width = Math.max(found.width, size.width)
    found.height = Math.max(found.height, size.height)
    // Some writers put JPEG's name before the TIFF.
    if (kind === 'EXIF') found.exif = [body + (ascii(file, body, 6) === 'Exif\0\0' ? 6 : 0), body + length]
    at = body + length + (length & 1)
  }
  return found
}

/**
 * @param {string} kind  of the chunk
 * @param {DataView} bytes
 * @param {number} body  where its content begins
 */
function webpSize(kind, bytes, body) {
  const of24 = (/** @type {number} */ at) => 1 + (bytes.getUint16(at, true) | (bytes.getUint8(at + 2) << 16))
  if (kind === 'VP8X') return { width: of24(body + 4), height: of24(body + 7) }
  if (kind === 'VP8 ') return { width: bytes.getUint16(body + 6, true) & 0x3fff, height: bytes.getUint16(body + 8, true) & 0x3fff }
  if (kind !== 'VP8L') return { width: 0, height: 0 }
  const packed = bytes.getUint32(body + 1, true)
  return { width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) }
}

/**
 * @param {DataView} bytes
 * @returns {Found}
 */
function readBmp(bytes) {
  if (bytes.getUint32(14, true) === 12) return { width: bytes.getUint16(18, true), height: bytes.getUint16(20, true) }
  return { width: Math.abs(bytes.getInt32(18, true)), height: Math.abs(bytes.getInt32(22, true)) } // below 0: top first
}

/**
 * @param {DataView} bytes
 * @param {[number, number] | undefined} exif  a TIFF file, whose offsets count from its beginning
 */
function turnOf(bytes, exif) {
  const upright = { turn: 1, turnAt: -1 }
  if (!exif || exif[1] > bytes.byteLength || exif[1] - exif[0] < 14) return upright
  const tiff = new DataView(bytes.buffer, bytes.byteOffset + exif[0], exif[1] - exif[0])
  const order = tiff.getUint16(0)
  if (order !== 0x4949 && order !== 0x4d4d) return upright
  const little = order === 0x4949
  const directory = tiff.getUint32(4, little)
  if (directory + 2 > tiff.byteLength) return upright
  const tags = Math.min(tiff.getUint16(directory, little), MAX_TAGS)
  for (let at = directory + 2, tag = 0; tag < tags && at + 12 <= tiff.byteLength; tag++, at += 12) {
    if (tiff.getUint16(at, little) !== ORIENTATION) continue
    const turn = tiff.getUint16(at + 8, little)
    return turn >= 1 && turn <= 8 ? { turn, turnAt: exif[0] + at + (little ? 8 : 9) } : upright
  }
  return upright
}

/**
 * @param {Uint8Array} file
 * @param {number} at
 * @param {number} length
 */
function ascii(file, at, length) {
  return String.fromCharCode(...file.subarray(at, at + length))
}
