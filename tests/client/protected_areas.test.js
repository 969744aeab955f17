import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ProtectedAreas } from '../../client/view/protected_areas.js'

globalThis.devicePixelRatio = 1
const VIEW = { scale: 10, left: 5, top: 5 }
const CANVAS = /** @type {any} */ ({ width: 100, height: 50 })

/** A screen with these areas, at a time. */
function screenOf(now = () => 0) {
  const screen = { layers: /** @type {import('../../client/view/screen.js').Layer[]} */ ([]), invalidate() {} }
  const areas = new ProtectedAreas(screen, now)
  return { areas, layer: screen.layers[0] }
}

/** A context that records outlined rectangles. */
function drawing() {
  const outlined = /** @type {number[][]} */ ([])
  const nothing = () => {}
  const context = { canvas: { width: 200, height: 200 }, globalAlpha: 1, beginPath: nothing, arc: nothing, stroke: nothing, fillRect: nothing,
    strokeRect: (/** @type {number[]} */ ...box) => outlined.push(box) }
  return { context: /** @type {any} */ (context), outlined }
}

test('areas that stay are outlined where they are on the screen, and those beside it are not', () => {
  const { context, outlined } = drawing()
  const { areas, layer } = screenOf()
  areas.show([{ x: 6, y: 7, width: 3, height: 2 }, { x: 90, y: 40, width: 3, height: 2 }])
  assert.equal(layer(context, VIEW, CANVAS), false)
  assert.deepEqual(new Set(outlined.map(String)), new Set(['10,20,30,20']))
})

test('one in which somebody was refused is shown for a moment, and then no more', () => {
  let now = 1_000
  const { areas, layer } = screenOf(() => now)
  areas.point([6, 7, 3, 2])
  const during = drawing()
  assert.equal(layer(during.context, VIEW, CANVAS), true)
  assert.deepEqual(during.outlined[0], [10, 20, 30, 20])
  assert.equal(during.context.globalAlpha, 1) // as it was
  now += 60_000
  const after = drawing()
  assert.equal(layer(after.context, VIEW, CANVAS), false)
  assert.deepEqual(after.outlined, [])
})

test('what is no area is not shown', () => {
  const { areas, layer } = screenOf()
  for (const told of [undefined, null, 'x', [1, 2, 3], [1, 2, 'x', 4]]) areas.point(told)
  const { context, outlined } = drawing()
  assert.equal(layer(context, VIEW, CANVAS), false)
  assert.deepEqual(outlined, [])
})
