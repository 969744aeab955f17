import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Undoable } from '../../client/painting/undo.js'

const [WHITE, RED, BLUE] = [0, 5, 13]
const mine = { id: 1, x: 3, y: 4, before: WHITE, color: RED, stroke: 1 }

/** The edit that an undo would take back. */
const last = (/** @type {Undoable} */ undoable) => undoable.last

/** @param {number} color  that the canvas has everywhere */
const showing = (color) => () => color

test('an own pixel can be undone once the canvas has it', () => {
  const undoable = new Undoable()
  undoable.add(mine)
  assert.equal(last(undoable), undefined)
  undoable.answered(1, 8)
  undoable.reached(7, showing(WHITE))
  assert.equal(last(undoable), undefined)
  undoable.seen(3, 4, RED)
  undoable.reached(8, showing(RED))
  assert.equal(last(undoable)?.before, WHITE)
})

test('nor does it matter whether the stream or the answer comes first', () => {
  const undoable = new Undoable()
  undoable.add(mine)
  undoable.seen(3, 4, RED)
  undoable.reached(8, showing(RED))
  undoable.answered(1, 8)
  undoable.reached(8, showing(RED))
  assert.equal(last(undoable)?.id, 1)
})

test('a refused one, and one in doubt, cannot be undone', () => {
  const undoable = new Undoable()
  undoable.add(mine)
  undoable.answered(1, null)
  undoable.reached(99, showing(RED))
  assert.equal(last(undoable), undefined)
})

test('what somebody has painted over cannot be undone, be it in the same colour', () => {
  for (const color of [BLUE, RED]) {
    const undoable = new Undoable()
    undoable.add(mine)
    undoable.answered(1, 8)
    undoable.reached(8, showing(RED))
    undoable.seen(3, 4, color)
    assert.equal(last(undoable), undefined)
  }
})

test('painted over in the very frame that brings it, it cannot be undone', () => {
  const undoable = new Undoable()
  undoable.add(mine)
  undoable.answered(1, 8)
  undoable.seen(3, 4, BLUE)
  undoable.reached(9, showing(BLUE))
  assert.equal(last(undoable), undefined)
})

test('what somebody painted before it landed is what an undo brings back', () => {
  const undoable = new Undoable()
  undoable.add(mine)
  undoable.seen(3, 4, BLUE)
  undoable.answered(1, 8)
  undoable.seen(3, 4, RED)
  undoable.reached(8, showing(RED))
  assert.equal(last(undoable)?.before, BLUE)
})

test('undos go back one by one', () => {
  const undoable = new Undoable()
  undoable.add(mine)
  undoable.add({ ...mine, id: 2, x: 9 })
  for (const id of [1, 2]) undoable.answered(id, 8)
  undoable.reached(8, showing(RED))
  assert.equal(last(undoable)?.id, 2)
  undoable.undone(2)
  assert.equal(last(undoable)?.id, 1)
})

test('an undo of a place painted twice is of the newer one, and then over', () => {
  const undoable = new Undoable()
  undoable.add(mine)
  undoable.answered(1, 8)
  undoable.seen(3, 4, RED)
  undoable.reached(8, showing(RED))
  undoable.add({ ...mine, id: 2, before: RED, color: BLUE })
  undoable.answered(2, 9)
  undoable.seen(3, 4, BLUE)
  undoable.reached(9, showing(BLUE))
  assert.equal(last(undoable)?.id, 2)
  undoable.undone(2)
  assert.equal(last(undoable), undefined)
})

test('a canvas loaded anew, and more than 256, are forgotten', () => {
  const undoable = new Undoable()
  for (let id = 1; id <= 257; id++) undoable.add({ ...mine, id, x: id })
  for (let id = 1; id <= 257; id++) undoable.answered(id, 8)
  undoable.reached(8, showing(RED))
  for (let id = 257; id > 1; id--) {
    assert.equal(last(undoable)?.id, id)
    undoable.undone(id)
  }
  assert.equal(last(undoable), undefined)
  undoable.add(mine)
  undoable.clear()
  undoable.answered(1, 1)
  undoable.reached(1, showing(RED))
  assert.equal(last(undoable), undefined)
})

test('a stroke is undone as a whole, its last pixel first, and what others painted over stays theirs', () => {
  const undoable = new Undoable()
  undoable.add({ ...mine, id: 1, x: 0, stroke: 1 })
  for (const id of [2, 3, 4]) undoable.add({ ...mine, id, x: id, stroke: 2 })
  for (const id of [1, 2, 3, 4]) undoable.answered(id, 8)
  undoable.reached(8, showing(RED))
  undoable.seen(3, 4, BLUE)
  assert.deepEqual(undoable.lastStroke.map(({ id }) => id), [4, 2])
  const stroke = undoable.lastStroke
  for (const { id } of stroke) undoable.undone(id)
  assert.deepEqual(undoable.lastStroke.map(({ id }) => id), [1])
  for (const entry of stroke) undoable.restore(entry)
  assert.deepEqual(undoable.lastStroke.map(({ id }) => id), [4, 2])
})

test('of a stroke that is partly on its way, what has landed is undone', () => {
  const undoable = new Undoable()
  for (const id of [1, 2]) undoable.add({ ...mine, id, x: id })
  undoable.answered(1, 8)
  undoable.reached(8, showing(RED))
  assert.deepEqual(undoable.lastStroke.map(({ id }) => id), [1])
})
