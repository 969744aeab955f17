import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Glow } from '../../client/view/glow.js'

/** @param {number} count */
const edits = (count) => Uint16Array.from({ length: 3 * count }, (_, i) => i % 50)

/**
 * How many rectangles are drawn now.
 * @param {Glow} glow
 */
function drawn(glow) {
  let count = 0
  const context = /** @type {any} */ ({ strokeRect: () => count++ })
  const goesOn = glow.draw(context, { scale: 4, left: 0, top: 0 }, /** @type {any} */ (null))
  assert.equal(goesOn, count > 0)
  return count
}

test('what has just changed glows, if that is wished', () => {
  const glow = new Glow()
  glow.add(edits(3))
  assert.equal(drawn(glow), 0)
  glow.enabled = true
  glow.add(edits(3))
  assert.equal(drawn(glow), 3)
})

test('what changed more than a second ago glows no more', () => {
  const glow = new Glow()
  glow.enabled = true
  glow.add(edits(3), performance.now() - 1_100)
  glow.add(edits(2), performance.now())
  assert.equal(drawn(glow), 2)
})

test('while hundreds arrive in a second nothing glows, and then again', () => {
  const glow = new Glow()
  glow.enabled = true
  const now = performance.now()
  for (let ms = -9_000; ms < -4_000; ms += 80) glow.add(edits(32), now + ms)
  glow.add(edits(5), now - 3_900)
  assert.equal(drawn(glow), 0)
  glow.add(edits(5), now)
  assert.equal(drawn(glow), 5)
})
