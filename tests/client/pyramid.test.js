import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Canvas } from '../../client/canvas/canvas.js'
import { Pyramid } from '../../client/view/pyramid.js'
import { numbers } from './pictures.js'

const palette = ['#ffffff', '#000000', '#ff8000', '#0040c3', '#80ff01']

/**
 * All of a level, as bytes.
 *
 * @param {Pyramid} pyramid
 * @param {number} level
 */
function levelOf(pyramid, level) {
  const [width, height] = [pyramid.width(level), pyramid.height(level)]
  const colors = new Uint32Array(width * height)
  for (let y = 0; y < height; y++) pyramid.copy(level, y, 0, width, colors, y * width)
  return new Uint8Array(colors.buffer)
}

/**
 * The same, by the definition: the rounded mean of four pixels of the level below, whose edge pixels go on beyond the edge.
 *
 * @param {Canvas} canvas
 * @param {number} level
 * @returns {Uint8Array}
 */
function model(canvas, level) {
  if (!level) return new Uint8Array(Uint32Array.from(canvas.indexes, (index) => canvas.colors[index]).buffer)
  const below = model(canvas, level - 1)
  const [w, h] = [Math.ceil(canvas.width / 2 ** (level - 1)), Math.ceil(canvas.height / 2 ** (level - 1))]
  const [width, height] = [Math.ceil(w / 2), Math.ceil(h / 2)]
  return Uint8Array.from({ length: 4 * width * height }, (_, i) => {
    const [byte, x, y] = [i % 4, (i >> 2) % width, Math.floor((i >> 2) / width)]
    const at = (/** @type {number} */ u, /** @type {number} */ v) =>
      below[4 * (Math.min(v, h - 1) * w + Math.min(u, w - 1)) + byte]
    return Math.round((at(2 * x, 2 * y) + at(2 * x + 1, 2 * y) + at(2 * x, 2 * y + 1) + at(2 * x + 1, 2 * y + 1)) / 4)
  })
}

test('each level is the mean of the one below, at odd sizes too', () => {
  const next = numbers(1)
  for (const [width, height] of [[64, 48], [37, 21], [1, 9], [1, 1]]) {
    const canvas = new Canvas(width, height, palette)
    canvas.load(Uint8Array.from({ length: width * height }, () => next(palette.length)))
    const pyramid = new Pyramid(canvas)
    for (const level of [3, 0, 1, 2, 5]) assert.deepEqual(levelOf(pyramid, level), model(canvas, level))
  }
})

test('after edits the levels are those of the canvas as it is now', () => {
  const next = numbers(2)
  const canvas = new Canvas(53, 34, palette)
  const pyramid = new Pyramid(canvas)
  levelOf(pyramid, 4)
  for (let i = 0; i < 400; i++) {
    const [x, y] = [next(53), next(34)]
    canvas.apply(Uint16Array.from([x, y, next(palette.length)]))
    pyramid.update(x, y)
  }
  for (const level of [1, 2, 3, 4]) assert.deepEqual(levelOf(pyramid, level), model(canvas, level))
})

test('after a reset the levels are made anew', () => {
  const canvas = new Canvas(8, 8, palette)
  const pyramid = new Pyramid(canvas)
  levelOf(pyramid, 2)
  canvas.load(new Uint8Array(64).fill(2))
  pyramid.reset()
  assert.deepEqual(levelOf(pyramid, 2), model(canvas, 2))
})

test('beyond the edges the pixels of the edge go on', () => {
  const canvas = new Canvas(2, 2, palette)
  canvas.load(Uint8Array.from([1, 2, 3, 4]))
  const row = new Uint32Array(5)
  new Pyramid(canvas).copy(0, -7, -2, 3, row, 0)
  assert.deepEqual(row, Uint32Array.from([1, 1, 1, 2, 2], (index) => canvas.colors[index]))
})

test('a colour is told as CSS wants it', () => {
  const canvas = new Canvas(2, 1, ['#0040c3', '#80ff01'])
  canvas.load(Uint8Array.from([0, 1]))
  const pyramid = new Pyramid(canvas)
  assert.deepEqual([pyramid.css(0, 0, 0), pyramid.css(0, 1, 0), pyramid.css(1, 0, 0)], ['#0040c3', '#80ff01', '#40a062'])
})
