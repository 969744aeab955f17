/**
 * Progress, compared with a plain recount, for random canvases, templates and edits.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Progress } from '../../client/templates/progress.js'
import { TRANSPARENT } from '../../client/templates/quantise.js'
import { wholes } from './chance.js'

const COLORS = 4

/** @param {(below: number) => number} random */
function scene(random) {
  const canvas = { width: 1 + random(9), height: 1 + random(9), indexes: new Uint8Array() }
  canvas.indexes = Uint8Array.from({ length: canvas.width * canvas.height }, () => random(COLORS))
  const box = { x: random(12) - 6, y: random(12) - 6, width: 1 + random(9), height: 1 + random(9) }
  const pixels = Int16Array.from({ length: box.width * box.height }, () => random(COLORS + 1) + TRANSPARENT)
  return { canvas, box, pixels }
}

/** @param {ReturnType<typeof scene>} scene */
function recount({ canvas, box, pixels }) {
  const wrong = []
  let total = 0
  for (let i = 0; i < pixels.length; i++) {
    const [x, y] = [box.x + (i % box.width), box.y + Math.floor(i / box.width)]
    if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height || pixels[i] === TRANSPARENT) continue
    total++
    if (canvas.indexes[y * canvas.width + x] !== pixels[i]) wrong.push({ x, y })
  }
  return { total, wrong }
}

/** @param {import('../../client/templates/progress.js').Point} point */
const named = ({ x, y }) => `${x},${y}`

test('after any edits, the counts are those of a recount', () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = wholes(seed)
    const { canvas, box, pixels } = scene(random)
    const progress = new Progress(box, pixels, canvas)
    for (let i = 0; i < 40; i++) {
      const { total, wrong } = recount({ canvas, box, pixels })
      assert.deepEqual([progress.total, progress.left], [total, wrong.length], `seed ${seed}`)
      const [x, y, color] = [random(canvas.width), random(canvas.height), random(COLORS)]
      const before = progress.left
      if (random(2)) canvas.indexes[y * canvas.width + x] = color // reported before or after
      const at = progress.edited(x, y, color)
      assert.equal(at >= 0, progress.left !== before, `seed ${seed}`)
      assert.equal(progress.edited(x, y, color), -1) // and twice
      canvas.indexes[y * canvas.width + x] = color
    }
  }
})

test('jumping visits each wrong pixel once, the nearest first, and then starts again', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = wholes(seed)
    const { canvas, box, pixels } = scene(random)
    const progress = new Progress(box, pixels, canvas)
    const { wrong } = recount({ canvas, box, pixels })
    const from = { x: random(20) - 5, y: random(20) - 5 }
    const distance = (/** @type {{ x: number, y: number }} */ a) => (a.x - from.x) ** 2 + (a.y - from.y) ** 2
    for (let round = 0; round < 2; round++) {
      const visited = wrong.map(() => progress.next(from))
      const distances = visited.map((point) => point && distance(point))
      assert.deepEqual(visited.map((point) => point && named(point)).sort(), wrong.map(named).sort(), `seed ${seed}`)
      assert.deepEqual(distances, wrong.map(distance).sort((a, b) => a - b), `seed ${seed}`)
    }
    if (!wrong.length) assert.equal(progress.next(from), null)
  }
})

test('a pixel that was visited, painted and overpainted is to do again', () => {
  const canvas = { width: 3, height: 1, indexes: Uint8Array.of(0, 0, 0) }
  const progress = new Progress({ x: 0, y: 0, width: 3, height: 1 }, Int16Array.of(1, 1, 1), canvas)
  const from = { x: 0, y: 0 }
  assert.deepEqual(progress.next(from), { x: 0, y: 0 })
  progress.edited(0, 0, 1)
  assert.deepEqual(progress.next(from), { x: 1, y: 0 })
  progress.edited(0, 0, 2)
  assert.deepEqual(progress.next(from), { x: 0, y: 0 })
})

test('what it wants is told for its own opaque pixels alone', () => {
  const canvas = { width: 4, height: 4, indexes: new Uint8Array(16) }
  const progress = new Progress({ x: 1, y: 2, width: 2, height: 1 }, Int16Array.of(3, TRANSPARENT), canvas)
  assert.equal(progress.wanted(1, 2), 3)
  for (const [x, y] of [[2, 2], [0, 2], [3, 2], [1, 1]]) assert.equal(progress.wanted(x, y), null)
})
