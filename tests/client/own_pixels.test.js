import assert from 'node:assert/strict'
import { test } from 'node:test'

import { MAX_ENTRIES, OwnPixels, POSTED_LIVE_MS, UNKNOWN_LIVE_MS, UNKNOWN_MS } from '../../client/painting/own_pixels.js'

const edit = { x: 3, y: 4, color: 5, log: 'a', now: 0 }

/** @param {OwnPixels} own */
const states = (own) => own.shown().map(({ color, state }) => [color, state])

test('an own pixel is shown until the canvas has it', () => {
  const own = new OwnPixels()
  const id = own.add(edit)
  assert.deepEqual(states(own), [[5, 'pending']])
  own.reached('a', 6)
  own.posted(id, 8, { log: 'a', version: 6, now: 1 })
  assert.deepEqual(states(own), [[5, 'posted']])
  own.reached('a', 7)
  assert.equal(own.size, 1)
  own.reached('a', 8)
  assert.equal(own.size, 0)
})

test('an answer that comes after the stream leaves nothing', () => {
  const own = new OwnPixels()
  const id = own.add(edit)
  own.reached('a', 20)
  own.posted(id, 8, { log: 'a', version: 20, now: 1 })
  assert.equal(own.size, 0)
})

test('a refusal takes back exactly its own pixel', () => {
  const own = new OwnPixels()
  const first = own.add(edit)
  own.add({ ...edit, x: 9 })
  own.refused(first)
  assert.deepEqual(own.shown().map(({ x }) => x), [9])
})

test('of two own pixels in one place the newer is shown, and the older again when it is refused', () => {
  const own = new OwnPixels()
  own.add(edit)
  const second = own.add({ ...edit, color: 6 })
  assert.deepEqual(states(own), [[6, 'pending']])
  own.refused(second)
  assert.deepEqual(states(own), [[5, 'pending']])
})

test('an older own pixel is not drawn over a newer one that has arrived', () => {
  const own = new OwnPixels()
  own.add(edit)
  const second = own.add({ ...edit, color: 6 })
  own.posted(second, 9, { log: 'a', version: 9, now: 1 })
  assert.equal(own.size, 0)
})

test('an unknown pixel goes when the stream tells of that place', () => {
  const own = new OwnPixels()
  own.unknown(own.add(edit), 0)
  assert.deepEqual(states(own), [[5, 'unknown']])
  own.seen(4, 3)
  assert.equal(own.size, 1)
  own.seen(3, 4)
  assert.equal(own.size, 0)
})

test('a pixel that the stream told of before its answer was lost goes with the answer', () => {
  const own = new OwnPixels()
  const id = own.add(edit)
  own.seen(3, 4)
  own.unknown(id, 0)
  assert.equal(own.size, 0)
})

test('a pending pixel stays when somebody else paints its place', () => {
  const own = new OwnPixels()
  own.add(edit)
  own.seen(3, 4)
  assert.deepEqual(states(own), [[5, 'pending']])
})

test('an unknown pixel goes when the page was live for long enough', () => {
  const own = new OwnPixels()
  own.unknown(own.add(edit), 0)
  own.tick(1000, false)
  own.tick(30_000, true)
  assert.equal(own.tick(30_000 + UNKNOWN_LIVE_MS - 1, true).unknown.length, 0)
  assert.equal(own.tick(30_000 + UNKNOWN_LIVE_MS, true).unknown.length, 1)
  assert.equal(own.size, 0)
})

test('an unknown pixel goes in the end, even offline', () => {
  const own = new OwnPixels()
  own.unknown(own.add(edit), 0)
  own.tick(UNKNOWN_MS, false)
  assert.equal(own.size, 0)
})

test('a posted pixel waits while offline, and is overdue only when live', () => {
  const own = new OwnPixels()
  own.posted(own.add(edit), 8, { log: 'a', version: 1, now: 0 })
  own.tick(1e6, false)
  assert.equal(own.size, 1)
  own.tick(1e6, true)
  assert.equal(own.tick(1e6 + POSTED_LIVE_MS, true).overdue.length, 1)
  assert.equal(own.size, 0)
})

test('own pixels of another log go: their versions mean nothing', () => {
  const own = new OwnPixels()
  const id = own.add(edit)
  own.posted(own.add({ ...edit, x: 9 }), 500, { log: 'a', version: 1, now: 0 })
  own.reached('b', 2)
  own.posted(id, 3, { log: 'b', version: 2, now: 1 })
  assert.equal(own.size, 0)
})

test('the number on their way is bounded', () => {
  const own = new OwnPixels()
  for (let i = 0; i < MAX_ENTRIES; i++) assert.equal(own.full || own.add({ ...edit, x: i }) > 0, true)
  assert.equal(own.full, true)
})
