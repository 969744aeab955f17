import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Canvas } from '../../client/canvas/canvas.js'
import { Marks } from '../../client/view/marks.js'

const VIEW = { scale: 10, left: 0, top: 0 }
const CANVAS = new Canvas(8, 8, ['#ffffff'])

/** A layer's calls of its context: the names of the methods, and the colours of its strokes. */
function drawn(/** @type {Marks} */ marks) {
  const calls = /** @type {string[]} */ ([])
  const colors = /** @type {string[]} */ ([])
  const context = new Proxy(
    {},
    {
      get: (_, name) => () => void calls.push(String(name)),
      set(_, name, value) {
        if (name === 'strokeStyle') colors.push(value)
        return true
      }
    }
  )
  const goesOn = marks.layer(/** @type {any} */ (context), VIEW, CANVAS)
  return { calls, colors, goesOn }
}

test('a placed pixel gets a green ring, a refused one a red cross', () => {
  const marks = new Marks(() => 0)
  marks.add({ x: 1, y: 1 }, true)
  const ring = drawn(marks)
  assert.ok(ring.calls.includes('arc') && !ring.calls.includes('lineTo'))
  const both = new Marks(() => 0)
  both.add({ x: 1, y: 1 }, false)
  const cross = drawn(both)
  assert.ok(cross.calls.includes('lineTo') && !cross.calls.includes('arc'))
  assert.notDeepEqual(ring.colors, cross.colors)
})

test('they go by themselves, and then nothing is drawn any more', () => {
  let now = 0
  const marks = new Marks(() => now)
  marks.add({ x: 1, y: 1 }, true)
  marks.add({ x: 2, y: 2 }, false)
  now = 1_000
  assert.ok(!drawn(marks).calls.includes('arc'))
  now = 2_000
  assert.deepEqual(drawn(marks), { calls: [], colors: [], goesOn: false })
})

test('their number is bounded', () => {
  const marks = new Marks(() => 0)
  for (let x = 0; x < 1_000; x++) marks.add({ x, y: 0 }, true)
  assert.equal(drawn(marks).calls.filter((name) => name === 'arc').length, 256)
})
