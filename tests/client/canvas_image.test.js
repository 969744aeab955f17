import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'

import { decodeCanvas, loadCanvas } from '../../client/stream/canvas_image.js'
import { parseInfo } from '../../client/stream/info.js'

const PALETTE = ['#ffffff', '#0000ff', '#ff0000', '#808080']
const INDEXES = [0, 1, 2, 3, 2, 0]
const HEADERS = { 'X-Canvas-Version': '7', 'X-Canvas-Log': 'L' }

/** @param {string[]} palette */
const infoOf = (palette) =>
  parseInfo({
    width: 3, height: 2, palette, version: 0, log: 'L', edit_code: { x_bits: 2, y_bits: 1, color_bits: 2, bytes: 1 }
  })

/**
 * @param {string} type
 * @param {Uint8Array} body
 */
function chunk(type, body) {
  const bytes = Buffer.alloc(12 + body.length)
  bytes.writeUInt32BE(body.length)
  bytes.write(type, 4, 'latin1')
  bytes.set(body, 8)
  return bytes
}

/** @param {string} color */
const rgb = (color) => [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))

/**
 * A PNG of 3 x 2 pixels, as a proxy might write it.
 *
 * @param {number} colors  the colour type
 * @param {number[][]} pixels  the samples of each
 * @param {{ palette?: string[], alphas?: number[], texts?: string[], width?: number }} [more]
 */
function png(colors, pixels, { palette = [], alphas = [], texts = [], width = 3 } = {}) {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(pixels.length / width, 4)
  header.set([8, colors, 0, 0, 0], 8)
  const rows = pixels.flatMap((pixel, i) => (i % width ? pixel : [0, ...pixel]))
  const parts = [
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    ...texts.map((text) => chunk('tEXt', Buffer.from(text, 'latin1'))),
    ...(palette.length ? [chunk('PLTE', Buffer.from(palette.flatMap(rgb)))] : []),
    ...(alphas.length ? [chunk('tRNS', Buffer.from(alphas))] : []),
    chunk('IDAT', deflateSync(Buffer.from(rows))),
    chunk('IEND', Buffer.alloc(0))
  ]
  return Uint8Array.from(Buffer.concat(parts))
}

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {string[]} [palette]
 */
const decode = (file, palette = PALETTE) => decodeCanvas(file, infoOf(palette), new Headers(HEADERS))

test('what the server wrote comes out as it is, its own words before the headers', async () => {
  const texts = ['placed:version\u000012', 'placed:log\u0000L']
  const image = await decode(png(3, INDEXES.map((i) => [i]), { palette: PALETTE, texts }))
  assert.deepEqual({ ...image, indexes: [...image.indexes] }, { indexes: INDEXES, version: 12, log: 'L' })
})

test('two equal colours stay two where the palette is as the server wrote it, or its beginning', async () => {
  const doubled = ['#ffffff', '#0000ff', '#ffffff', '#ff0000']
  for (const written of [doubled, doubled.slice(0, 3)]) {
    const image = await decode(png(3, [[2], [0], [1], [2], [0], [1]], { palette: written }), doubled)
    assert.deepEqual([...image.indexes], [2, 0, 1, 2, 0, 1])
  }
})

test('a palette in another order, or without the colours that nothing has, is mapped by its colours', async () => {
  const image = await decode(png(3, [[2], [0], [1], [2], [1], [2]], { palette: ['#0000ff', '#ff0000', '#ffffff'] }))
  assert.deepEqual([...image.indexes], [0, 1, 2, 0, 2, 0])
  assert.equal(image.version, 7)
})

test('a file without a palette is taken by its colours: RGB, RGBA, and grey where all is', async () => {
  const colors = INDEXES.map((i) => rgb(PALETTE[i]))
  assert.deepEqual([...(await decode(png(2, colors))).indexes], INDEXES)
  assert.deepEqual([...(await decode(png(6, colors.map((color) => [...color, 255])))).indexes], INDEXES)
  const grey = await decode(png(0, [[255], [128], [128], [255], [255], [255]]))
  assert.deepEqual([...grey.indexes], [0, 3, 3, 0, 0, 0])
})

test('of two equal colours the first is taken where nothing else is known', async () => {
  const image = await decode(png(2, INDEXES.map(() => [0, 0, 255])), ['#ffffff', '#0000ff', '#0000ff'])
  assert.deepEqual([...image.indexes], INDEXES.map(() => 1))
})

/** Files that would look right, or nearly right, but make the page paint wrong. */
const ALTERED = /** @type {[string, Uint8Array<ArrayBuffer>][]} */ ([
  ['another colour in its palette', png(3, INDEXES.map(() => [1]), { palette: ['#ffffff', '#0000fe'] })],
  ['a pixel that its palette has no colour for', png(3, INDEXES.map((i) => [i]), { palette: PALETTE.slice(0, 3) })],
  ['a transparent colour', png(3, INDEXES.map(() => [0]), { palette: PALETTE, alphas: [0] })],
  ['another colour', png(2, INDEXES.map(() => [1, 2, 3]))],
  ['a half-transparent pixel', png(6, INDEXES.map(() => [255, 255, 255, 128]))],
  ['another size', png(3, INDEXES.slice(0, 4).map((i) => [i]), { palette: PALETTE, width: 2 })],
  ['another format', Uint8Array.from(Buffer.from('RIFF....WEBPVP8L'))],
  ['no end', png(3, INDEXES.map((i) => [i]), { palette: PALETTE }).slice(0, -20)]
])

for (const [what, file] of ALTERED) {
  test(`an image with ${what} is refused, and the bare indexes are taken`, async () => {
    await assert.rejects(decode(file))
    const asked = /** @type {string[]} */ ([])
    const image = await loadCanvas(
      async (address) => {
        asked.push(address)
        return new Response(address === 'canvas.bin?v=3' ? Uint8Array.from(INDEXES) : file, { headers: HEADERS })
      },
      infoOf(PALETTE),
      '?v=3'
    )
    assert.deepEqual(asked, ['canvas.png?v=3', 'canvas.bin?v=3'])
    assert.deepEqual({ ...image, indexes: [...image.indexes] }, { indexes: INDEXES, version: 7, log: 'L' })
  })
}

test('bare indexes that are too few, or of no colour, are refused', async () => {
  for (const indexes of [INDEXES.slice(1), INDEXES.map(() => 4)]) {
    const get = async () => new Response(Uint8Array.from(indexes), { headers: HEADERS })
    await assert.rejects(loadCanvas(get, infoOf(PALETTE), ''), { refusal: { kind: 'altered', status: 200 } })
  }
})

test('of another log only the version is told: its size and palette may be others', async () => {
  const other = png(2, [[1, 2, 3]], { width: 1, texts: ['placed:version\u00003', 'placed:log\u0000M'] })
  const image = await decode(other)
  assert.deepEqual([image.version, image.log, image.indexes.length], [3, 'M', 0])
})
