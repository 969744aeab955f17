import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Canvas } from '../../client/canvas/canvas.js'
import { parseInfo } from '../../client/stream/info.js'

const palette = ['#ffffff', '#ff0000', '#0080ff']

test('an image and edits are palette indexes, in the order that they came', () => {
  const canvas = new Canvas(3, 2, palette)
  canvas.load(Uint8Array.from([0, 1, 2, 2, 1, 0]))
  canvas.apply(Uint16Array.from([0, 0, 2, 2, 1, 1, 2, 1, 2]))
  assert.deepEqual([...canvas.indexes], [2, 1, 2, 2, 1, 2])
  assert.equal(canvas.at(2, 1), 2)
  assert.deepEqual([canvas.at(-1, 0), canvas.at(3, 0), canvas.at(0, 2)], [null, null, null])
})

test('colours are those of the palette, in the byte order of an image', () => {
  const { colors } = new Canvas(3, 2, palette)
  assert.deepEqual([...new Uint8Array(colors.buffer, 4, 8)], [255, 0, 0, 255, 0, 128, 255, 255])
  assert.equal(colors[200], colors[0])
})

test('edits beside the canvas or palette change nothing', () => {
  const canvas = new Canvas(3, 2, palette)
  canvas.takeChanges()
  canvas.apply(Uint16Array.from([3, 0, 1, 0, 2, 1, 0, 0, 3]))
  assert.deepEqual([...canvas.indexes], [0, 0, 0, 0, 0, 0])
  assert.deepEqual(canvas.takeChanges(), new Uint32Array())
})

test('changes are told once: everything at first, then pixel by pixel, and none where the colour stayed', () => {
  const canvas = new Canvas(30, 20, palette)
  assert.equal(canvas.takeChanges(), null)
  assert.deepEqual(canvas.takeChanges(), new Uint32Array())
  canvas.apply(Uint16Array.from([5, 6, 1, 9, 2, 1, 5, 6, 1, 7, 7, 0]))
  assert.deepEqual(canvas.takeChanges(), Uint32Array.from([6 * 30 + 5, 2 * 30 + 9]))
  assert.deepEqual(canvas.takeChanges(), new Uint32Array())
})

test('more changes than are remembered are told as everything, and counted anew after that', () => {
  const canvas = new Canvas(300, 200, palette)
  canvas.takeChanges()
  const edits = (/** @type {number} */ color) =>
    Uint16Array.from({ length: 3 * 60_000 }, (_, i) => [(i / 3) % 300, i / 900, color][i % 3])
  canvas.apply(edits(1))
  assert.equal(canvas.takeChanges(), null)
  canvas.apply(Uint16Array.from([8, 0, 2]))
  assert.deepEqual(canvas.takeChanges(), Uint32Array.from([8]))
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

test('info says how people sign in, and a server that says nothing has a canvas for everybody', () => {
  assert.deepEqual(parseInfo(answer).signIn, { mode: 'open', required: false, toSee: false, join: false, codes: false, providers: [] })
  assert.equal(parseInfo(answer).challenge, false)
  const providers = [{ name: 'school', title: 'Our school' }, { name: 'other' }]
  const said = { mode: 'oidc', required: true, watch: 'signed-in', join: true, codes: true, providers }
  assert.deepEqual(parseInfo({ ...answer, sign_in: said, challenge: true }).signIn, {
    mode: 'oidc',
    required: true,
    toSee: true,
    join: true,
    codes: true,
    providers: [{ name: 'school', title: 'Our school' }, { name: 'other', title: 'other' }]
  })
  assert.equal(parseInfo({ ...answer, sign_in: { mode: 'palm', required: 'yes', providers: {} } }).signIn.mode, 'open')
})
