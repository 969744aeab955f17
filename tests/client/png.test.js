import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deflateSync } from 'node:zlib'

import { indexesOf, isPlainIndexed, parsePng } from '../../client/canvas/png.js'

/** @param {Uint8Array<ArrayBuffer>} file */
async function decode(file) {
  const png = parsePng(file)
  assert.ok(isPlainIndexed(png))
  return { indexes: await indexesOf(png), texts: png.texts }
}

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

/**
 * A PNG whose rows are given with their filter bytes.
 * @typedef {{ width: number, height: number, depth: number, rows: number[] }} Pixels
 * @param {Pixels & { texts?: string[], colors?: number, idats?: number }} image
 */
function png({ width, height, depth, rows, texts = [], colors = 3, idats = 1 }) {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width)
  header.writeUInt32BE(height, 4)
  header.set([depth, colors, 0, 0, 0], 8)
  const packed = deflateSync(Buffer.from(rows))
  const cut = Math.ceil(packed.length / idats)
  const data = Array.from({ length: idats }, (_, i) => chunk('IDAT', packed.subarray(i * cut, (i + 1) * cut)))
  const words = texts.map((text) => chunk('tEXt', Buffer.from(text, 'latin1')))
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  const file = Buffer.concat([signature, chunk('IHDR', header), ...words, ...data, chunk('IEND', Buffer.alloc(0))])
  return Uint8Array.from(file)
}

test('every bit depth unpacks to palette indexes, the first pixel in the high bits', async () => {
  const cases = /** @type {const} */ ([
    [1, [0, 0b10110000], [1, 0, 1, 1, 0]],
    [2, [0, 0b11100100, 0b01000000], [3, 2, 1, 0, 1]],
    [4, [0, 0x1f, 0xa0, 0x70], [1, 15, 10, 0, 7]],
    [8, [0, 200, 0, 255, 1, 16], [200, 0, 255, 1, 16]]
  ])
  for (const [depth, rows, indexes] of cases) {
    const image = await decode(png({ width: 5, height: 1, depth, rows: [...rows] }))
    assert.deepEqual([...image.indexes], indexes)
  }
})

test('every row filter is undone', async () => {
  const rows = [
    [0, 10, 20, 30], // none
    [1, 5, 1, 1], // sub
    [2, 1, 1, 1], // up
    [3, 2, 2, 2], // average
    [4, 1, 1, 250] // Paeth
  ]
  const image = await decode(png({ width: 3, height: 5, depth: 8, rows: rows.flat() }))
  assert.deepEqual([...image.indexes], [10, 20, 30, 5, 6, 7, 6, 7, 8, 5, 8, 10, 6, 9, 4])
})

test('the version and log travel inside the file', async () => {
  const texts = ['placed:version\u0000123', 'placed:log\u0000abc-DEF_9']
  const { texts: found } = await decode(png({ width: 1, height: 1, depth: 8, rows: [0, 3], texts }))
  assert.equal(found.get('placed:version'), '123')
  assert.equal(found.get('placed:log'), 'abc-DEF_9')
})

test('a text of a megabyte does no harm', async () => {
  const texts = [`Comment\u0000${'x'.repeat(1e6)}`]
  const image = await decode(png({ width: 1, height: 1, depth: 8, rows: [0, 3], texts }))
  assert.equal(image.texts.get('Comment')?.length, 1e6)
})

test('image data may be cut into several chunks', async () => {
  const rows = Array.from({ length: 50 }, (_, y) => [0, y, 255 - y]).flat()
  const image = await decode(png({ width: 2, height: 50, depth: 8, rows, idats: 7 }))
  assert.deepEqual([...image.indexes.subarray(96)], [48, 207, 49, 206])
})

test('whatever is not the canvas is refused', async () => {
  const good = png({ width: 2, height: 2, depth: 8, rows: [0, 1, 2, 0, 3, 4] })
  for (let length = 0; length < good.length; length++) {
    await assert.rejects(decode(good.slice(0, length)), `cut at ${length}`)
  }
  for (const [colors, depth] of [[1, 8], [3, 16], [2, 4], [7, 8], [0, 3]]) {
    await assert.rejects(decode(png({ width: 1, height: 1, depth, rows: [0, 1, 2, 3], colors })), /damaged header/)
  }
  await assert.rejects(decode(png({ width: 2, height: 2, depth: 8, rows: [0, 1, 2] })), /fewer rows/)
  await assert.rejects(decode(png({ width: 1, height: 1, depth: 8, rows: [0, 1, 0, 1] })), /more rows/)
  await assert.rejects(decode(png({ width: 1, height: 1, depth: 8, rows: [9, 1] })), /filter 9/)
  await assert.rejects(decode(png({ width: 5000, height: 1, depth: 8, rows: [0] })), /5000 x 1/)
})
