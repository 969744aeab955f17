import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { TRANSPARENT, quantise } from '../../client/templates/quantise.js'

const { vectors } = JSON.parse(readFileSync(new URL('quantise_vectors.json', import.meta.url), 'utf8'))

/**
 * @param {string[]} colors  '#rrggbb'
 * @param {number} alpha
 */
function rgbaOf(colors, alpha = 255) {
  return Uint8ClampedArray.from(colors.flatMap((color) => [...Buffer.from(color.slice(1), 'hex'), alpha]))
}

for (const { palette, colors, indexes } of vectors) {
  test(`colours get those of ${palette.length} that placed paint gives them`, () => {
    assert.deepEqual([...quantise(rgbaOf(colors), palette)], indexes)
  })
}

test('a pixel less than half opaque is transparent, whatever its colour', () => {
  assert.deepEqual([...quantise(rgbaOf(['#ff0000'], 127), ['#ff0000'])], [TRANSPARENT])
  assert.deepEqual([...quantise(rgbaOf(['#ff0000'], 128), ['#ff0000'])], [0])
})

test('the last of 256 colours is found', () => {
  const palette = Array.from({ length: 256 }, (_, i) => `#${i.toString(16).padStart(2, '0')}0000`)
  assert.deepEqual([...quantise(rgbaOf(palette), palette)], palette.map((_, i) => i))
})
