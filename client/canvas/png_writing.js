/**
 * Writes an indexed PNG (W3C PNG, third edition) from palette indexes. Not by a canvas and its toBlob: browsers that resist
 * fingerprinting give noise there. Needs CompressionStream; no DOM.
 */

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)
const INDEXED = 3
const UP = 2 // the filter that writes differences from the row above: zeros for a repeated row
/** CRC-32 of each byte (annex D of the specification). */
const CRCS = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? 0xedb88320 ^ (crc >>> 1) : crc >>> 1
  return crc
})

/**
 * @param {{ width: number, height: number, indexes: Uint8Array }} image  palette indexes, row by row
 * @param {string[]} palette  '#rrggbb', 1 to 256
 * @param {number} [factor]  each pixel becomes factor x factor
 * @returns {Promise<Blob>}
 */
export async function writePng({ width, height, indexes }, palette, factor = 1) {
  const depth = [1, 2, 4].find((bits) => palette.length <= 2 ** bits) ?? 8
  const header = new DataView(new ArrayBuffer(13))
  header.setUint32(0, width * factor)
  header.setUint32(4, height * factor)
  header.setUint8(8, depth)
  header.setUint8(9, INDEXED)
  const colors = palette.flatMap((color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16)))
  const rows = filteredRows(indexes, { width, height, depth, factor })
  const stream = new ReadableStream({
    pull(controller) {
      const { done, value } = rows.next()
      if (done) controller.close()
      else controller.enqueue(value)
    }
  })
  const packed = new Response(stream.pipeThrough(new CompressionStream('deflate')))
  return new Blob(
    [
      SIGNATURE,
      ...chunk('IHDR', new Uint8Array(header.buffer)),
      ...chunk('PLTE', Uint8Array.from(colors)),
      ...chunk('IDAT', new Uint8Array(await packed.arrayBuffer())),
      ...chunk('IEND', new Uint8Array())
    ],
    { type: 'image/png' }
  )
}

/**
 * Each row of the picture with its filter's byte before it.
 *
 * @param {Uint8Array} indexes
 * @param {{ width: number, height: number, depth: number, factor: number }} shape
 */
function* filteredRows(indexes, { width, height, depth, factor }) {
  const bytes = 1 + Math.ceil((width * factor * depth) / 8)
  const repeated = new Uint8Array(bytes)
  repeated[0] = UP
  for (let y = 0; y < height; y++) {
    const row = new Uint8Array(bytes)
    for (let x = 0, bit = 8; x < width; x++) {
      const index = indexes[y * width + x]
      for (let copy = 0; copy < factor; copy++, bit += depth) row[bit >> 3] |= index << (8 - depth - (bit & 7))
    }
    yield row
    for (let copy = 1; copy < factor; copy++) yield repeated
  }
}

/**
 * @param {string} type
 * @param {Uint8Array<ArrayBuffer>} body
 * @returns {Uint8Array<ArrayBuffer>[]} its parts: length, type, body, checksum
 */
function chunk(type, body) {
  const name = new TextEncoder().encode(type)
  let crc = 0xffffffff
  for (const part of [name, body]) for (const byte of part) crc = CRCS[(crc ^ byte) & 255] ^ (crc >>> 8)
  return [bigEndian(body.length), name, body, bigEndian(~crc >>> 0)]
}

/** @param {number} value  of 32 bits */
function bigEndian(value) {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value)
}
