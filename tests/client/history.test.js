import assert from 'node:assert/strict'
import { test } from 'node:test'

import { History } from '../../client/painting/history.js'

const [WHITE, RED, BLUE] = [0, 5, 13]
const mine = { id: 1, x: 3, y: 4, before: WHITE, color: RED, stroke: 1 }

/** What an undo would take back. */
const last = (/** @type {History} */ history) => history.last

/** @param {number} color  that the canvas has everywhere */
const showing = (color) => () => color

test('an own pixel can be undone once the canvas has it', () => {
  const history = new History()
  history.add(mine)
  assert.equal(last(history), undefined)
  history.answered(1, 8)
  history.reached(7, showing(WHITE))
  assert.equal(last(history), undefined)
  history.seen(3, 4, RED)
  history.reached(8, showing(RED))
  assert.equal(last(history)?.before, WHITE)
})

test('nor does it matter whether the stream or the answer comes first', () => {
  const history = new History()
  history.add(mine)
  history.seen(3, 4, RED)
  history.reached(8, showing(RED))
  history.answered(1, 8)
  history.reached(8, showing(RED))
  assert.equal(last(history)?.id, 1)
})

test('a refused one, and one in doubt, cannot be undone', () => {
  const history = new History()
  history.add(mine)
  history.answered(1, null)
  history.reached(99, showing(RED))
  assert.equal(last(history), undefined)
})

test('what somebody has painted over cannot be undone, be it in the same colour', () => {
  for (const color of [BLUE, RED]) {
    const history = new History()
    history.add(mine)
    history.answered(1, 8)
    history.reached(8, showing(RED))
    history.seen(3, 4, color)
    assert.equal(last(history), undefined)
  }
})

test('painted over in the very frame that brings it, it cannot be undone', () => {
  const history = new History()
  history.add(mine)
  history.answered(1, 8)
  history.seen(3, 4, BLUE)
  history.reached(9, showing(BLUE))
  assert.equal(last(history), undefined)
})

test('what somebody painted before it landed is what an undo brings back', () => {
  const history = new History()
  history.add(mine)
  history.seen(3, 4, BLUE)
  history.answered(1, 8)
  history.seen(3, 4, RED)
  history.reached(8, showing(RED))
  assert.equal(last(history)?.before, BLUE)
})

test('undos go back one by one', () => {
  const history = new History()
  history.add(mine)
  history.add({ ...mine, id: 2, x: 9 })
  for (const id of [1, 2]) history.answered(id, 8)
  history.reached(8, showing(RED))
  assert.equal(last(history)?.id, 2)
  history.undone(2)
  assert.equal(last(history)?.id, 1)
})

test('an undo of a place painted twice is of the newer one, and then over', () => {
  const history = new History()
  history.add(mine)
  history.answered(1, 8)
  history.seen(3, 4, RED)
  history.reached(8, showing(RED))
  history.add({ ...mine, id: 2, before: RED, color: BLUE })
  history.answered(2, 9)
  history.seen(3, 4, BLUE)
  history.reached(9, showing(BLUE))
  assert.equal(last(history)?.id, 2)
  history.undone(2)
  assert.equal(last(history), undefined)
})

test('a canvas loaded anew, and more than 256, are forgotten', () => {
  const history = new History()
  for (let id = 1; id <= 257; id++) history.add({ ...mine, id, x: id })
  for (let id = 1; id <= 257; id++) history.answered(id, 8)
  history.reached(8, showing(RED))
  for (let id = 257; id > 1; id--) {
    assert.equal(last(history)?.id, id)
    history.undone(id)
  }
  assert.equal(last(history), undefined)
  history.add(mine)
  history.clear()
  history.answered(1, 1)
  history.reached(1, showing(RED))
  assert.equal(last(history), undefined)
})

test('a stroke is undone as a whole, its last pixel first, and what others painted over stays theirs', () => {
  const history = new History()
  history.add({ ...mine, id: 1, x: 0, stroke: 1 })
  for (const id of [2, 3, 4]) history.add({ ...mine, id, x: id, stroke: 2 })
  for (const id of [1, 2, 3, 4]) history.answered(id, 8)
  history.reached(8, showing(RED))
  history.seen(3, 4, BLUE)
  assert.deepEqual(history.lastStroke.map(({ id }) => id), [4, 2])
  const stroke = history.lastStroke
  for (const { id } of stroke) history.undone(id)
  assert.deepEqual(history.lastStroke.map(({ id }) => id), [1])
  for (const entry of stroke) history.restore(entry)
  assert.deepEqual(history.lastStroke.map(({ id }) => id), [4, 2])
})

test('of a stroke that is partly on its way, what has landed is undone', () => {
  const history = new History()
  for (const id of [1, 2]) history.add({ ...mine, id, x: id })
  history.answered(1, 8)
  history.reached(8, showing(RED))
  assert.deepEqual(history.lastStroke.map(({ id }) => id), [1])
})
