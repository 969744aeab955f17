import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Canvas } from '../../client/canvas.js'
import { parseInfo } from '../../client/info.js'

const palette = ['#ffffff', '#ff0000', '#0080ff']

/**
 * @param {Canvas} canvas
 * @param {number} x
 * @param {number} y
 */
const rgbaAt = (canvas, x, y) => [...canvas.rgba.subarray((y * canvas.width + x) * 4, (y * canvas.width + x) * 4 + 4)]

test('an image and edits are indexes and colours alike', () => {
  const canvas = new Canvas(3, 2, palette)
  canvas.load(Uint8Array.from([0, 1, 2, 2, 1, 0]))
  canvas.apply(Uint16Array.from([0, 0, 2, 2, 1, 1, 2, 1, 2]))
  assert.deepEqual([...canvas.indexes], [2, 1, 2, 2, 1, 2])
  assert.deepEqual(rgbaAt(canvas, 1, 0), [255, 0, 0, 255])
  assert.deepEqual(rgbaAt(canvas, 2, 1), [0, 128, 255, 255])
})

test('edits beside the canvas or palette change nothing', () => {
  const canvas = new Canvas(3, 2, palette)
  canvas.apply(Uint16Array.from([3, 0, 1, 0, 2, 1, 0, 0, 3]))
  assert.deepEqual([...canvas.indexes], [0, 0, 0, 0, 0, 0])
})

test('changes are told once: everything at first, then pixel by pixel', () => {
  const canvas = new Canvas(30, 20, palette)
  assert.deepEqual(canvas.takeChanges(), [{ x: 0, y: 0, width: 30, height: 20 }])
  assert.deepEqual(canvas.takeChanges(), [])
  canvas.apply(Uint16Array.from([5, 6, 1, 9, 2, 1]))
  assert.deepEqual(canvas.takeChanges(), [{ x: 5, y: 6, width: 1, height: 1 }, { x: 9, y: 2, width: 1, height: 1 }])
})

test('many changes are told as one rectangle around them', () => {
  const canvas = new Canvas(1000, 20, palette)
  canvas.takeChanges()
  canvas.apply(Uint16Array.from(Array.from({ length: 500 }, (_, i) => [100 + i, 3 + (i % 7), 1]).flat()))
  assert.deepEqual(canvas.takeChanges(), [{ x: 100, y: 3, width: 500, height: 7 }])
})

const answer = {
  width: 10,
  height: 20,
  palette,
  color_names: ['white', 'red'],
  edit_code: { x_bits: 4, y_bits: 5, color_bits: 2, bytes: 2 },
  version: 1,
  log: 'a',
  cooldown: { charges: 10, charge_seconds: 1, remaining: 3, next_seconds: 0.5 }
}

test('info is taken over, a colour without a name is called by its value', () => {
  const info = parseInfo(answer)
  assert.deepEqual(info.colorNames, ['white', 'red', '#0080ff'])
  assert.equal(info.cooldown.remaining, 3)
})

test('info that this page cannot work with is refused', () => {
  for (const wrong of [
    { width: 0 },
    { height: 5000 },
    { palette: [] },
    { palette: ['red'] },
    { edit_code: undefined },
    { edit_code: { ...answer.edit_code, bytes: 5 } },
    { version: -1 },
    { log: '' }
  ]) {
    assert.throws(() => parseInfo({ ...answer, ...wrong }), /the server's/)
  }
  assert.throws(() => parseInfo(null))
})

test('info without a cooldown has none', () => {
  assert.equal(parseInfo({ ...answer, cooldown: undefined }).cooldown.charge_seconds, 0)
})
