import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Trail, glide } from '../../client/view/inertia.js'

/** @param {[number, number, number][]} points  time, x, y */
function trailOf(points) {
  const trail = new Trail()
  for (const [time, x, y] of points) trail.add({ x, y }, time)
  return trail
}

test('the speed is that of the last moments, whatever was before', () => {
  const trail = trailOf([[0, 0, 0], [100, 900, 0], [200, 900, 0], [216, 916, -8], [232, 932, -16], [248, 948, -24]])
  assert.deepEqual(trail.speed(250), { x: 1, y: -0.5 })
})

test('a finger that rests before it lifts has no speed', () => {
  assert.deepEqual(trailOf([[0, 0, 0], [16, 16, 0]]).speed(200), { x: 0, y: 0 })
})

test('less than two moves have no speed, nor do two at once', () => {
  assert.deepEqual(new Trail().speed(0), { x: 0, y: 0 })
  assert.deepEqual(trailOf([[5, 1, 1]]).speed(6), { x: 0, y: 0 })
  assert.deepEqual(trailOf([[5, 1, 1], [5, 90, 1]]).speed(6), { x: 0, y: 0 })
})

test('gliding goes the same way, however many frames it takes', () => {
  const whole = glide({ x: 2, y: -1 }, 300)
  let [x, y] = [0, 0]
  let speed = /** @type {{ x: number, y: number }} */ ({ x: 2, y: -1 })
  for (let i = 0; i < 30; i++) {
    const part = glide(speed, 10)
    x += part.way.x
    y += part.way.y
    speed = part.speed ?? { x: 0, y: 0 }
  }
  assert.ok(Math.abs(x - whole.way.x) < 1e-9 && Math.abs(y - whole.way.y) < 1e-9)
  assert.ok(Math.abs(speed.x - /** @type {{ x: number }} */ (whole.speed).x) < 1e-9)
})

test('gliding slows down and comes to rest within a few seconds', () => {
  let speed = /** @type {{ x: number, y: number } | null} */ ({ x: 5, y: 5 })
  let frames = 0
  for (let last = Infinity; speed; frames++) {
    assert.ok(Math.hypot(speed.x, speed.y) < last)
    last = Math.hypot(speed.x, speed.y)
    speed = glide(speed, 16).speed
  }
  assert.ok(frames > 10 && frames * 16 < 3000, `${frames} frames`)
})
