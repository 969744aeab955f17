import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { bytesOfBase64, unpackEdits } from '../../client/canvas/edit_code.js'

const { layouts } = JSON.parse(readFileSync(new URL('edit_code_vectors.json', import.meta.url), 'utf8'))

for (const { width, height, colors, layout, edits, base64 } of layouts) {
  test(`edits of a ${width} x ${height} canvas of ${colors} colours unpack as Python packs them`, () => {
    assert.deepEqual([...unpackEdits(layout, bytesOfBase64(base64))], edits.flat())
  })
}

test('a frame without edits unpacks to none', () => {
  assert.equal(unpackEdits({ x_bits: 10, y_bits: 10, color_bits: 4, bytes: 3 }, bytesOfBase64('')).length, 0)
})

test('bytes that are not whole edits are refused', () => {
  assert.throws(() => unpackEdits({ x_bits: 10, y_bits: 10, color_bits: 4, bytes: 3 }, new Uint8Array(4)), RangeError)
})

test('text that is not base64 is refused', () => {
  assert.throws(() => bytesOfBase64('%%%'))
})
