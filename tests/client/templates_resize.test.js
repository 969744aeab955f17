import assert from 'node:assert/strict'
import { test } from 'node:test'

import { resize } from '../../client/templates/resize.js'
import { wholes } from './chance.js'

/**
 * @param {number} width
 * @param {number} height
 * @param {number[][]} pixels  RGBA each
 */
const image = (width, height, pixels) => ({ width, height, data: Uint8ClampedArray.from(pixels.flat()) })

test('pixel art that was enlarged by a whole number gets its own pixels back', () => {
  const random = wholes(1)
  for (let round = 0; round < 50; round++) {
    const [width, height, times] = [1 + random(7), 1 + random(7), 1 + random(6)]
    const art = Array.from({ length: width * height }, () => [random(256), random(256), random(256), 255])
    const enlarged = Array.from({ length: width * height * times * times }, (_, i) => {
      const [x, y] = [i % (width * times), Math.floor(i / (width * times))]
      return art[Math.floor(y / times) * width + Math.floor(x / times)]
    })
    const found = resize(image(width * times, height * times, enlarged), width, height)
    assert.deepEqual([...found], art.flat())
    assert.deepEqual([...resize(image(width, height, art), width * times, height * times)], enlarged.flat())
  }
})

test('a smaller photo has the means of its pixels', () => {
  const photo = image(4, 1, [[0, 0, 0, 255], [100, 50, 10, 255], [7, 7, 7, 255], [9, 9, 9, 255]])
  assert.deepEqual([...resize(photo, 2, 1)], [50, 25, 5, 255, 8, 8, 8, 255])
})

test('what can not be seen has no say in the colour', () => {
  const edge = image(2, 1, [[200, 100, 0, 255], [0, 0, 0, 0]])
  assert.deepEqual([...resize(edge, 1, 1)], [200, 100, 0, 128])
  assert.deepEqual([...resize(image(1, 1, [[9, 9, 9, 0]]), 1, 1)].slice(3), [0])
})
