import assert from 'node:assert/strict'
import { test } from 'node:test'

import { announcementOf, countdown, gateOf, isPlain } from '../../client/gate/gate.js'
import { parseInfo } from '../../client/stream/info.js'

const AT = '2026-11-29T18:00:00Z'
const MOMENT = Date.parse(AT)
const SECOND = 1_000
const HOUR = 3_600 * SECOND

test('a server that says nothing, or nonsense, has an open canvas', () => {
  for (const notices of [{}, { gate: null }, { gate: 7, announcement: 'x' }, { gate: { open: 'no', opens: 5 } }, { announcement: { text: 9 } }]) {
    assert.deepEqual(gateOf(notices), { isOpen: true, opens: null, closes: null })
    assert.equal(announcementOf(notices, 0), null)
    assert.equal(isPlain(notices), true)
  }
})

test('what the host says is taken as it is meant', () => {
  const closed = { gate: { open: false, opens: AT, closes: null } }
  assert.deepEqual(gateOf(closed), { isOpen: false, opens: MOMENT, closes: null })
  assert.equal(isPlain(closed), false)
  assert.equal(isPlain({ gate: { open: true, opens: null, closes: AT } }), false)
})

test('an announcement is over at its time', () => {
  const notices = { announcement: { text: 'Pizza!', until: AT } }
  assert.deepEqual(announcementOf(notices, MOMENT - 1), { text: 'Pizza!', until: MOMENT })
  assert.equal(announcementOf(notices, MOMENT), null)
  assert.equal(isPlain(notices), false)
  assert.deepEqual(announcementOf({ announcement: { text: 'For good', until: null } }, MOMENT), { text: 'For good', until: null })
})

test('a countdown has days, and a clock that ends with nothing', () => {
  const left = (/** @type {number} */ ms) => countdown(MOMENT, MOMENT - ms)
  assert.deepEqual(left(-5), { days: 0, clock: '0:00' })
  assert.deepEqual(left(1), { days: 0, clock: '0:01' })
  assert.deepEqual(left(65 * SECOND), { days: 0, clock: '1:05' })
  assert.deepEqual(left(HOUR), { days: 0, clock: '1:00:00' })
  assert.deepEqual(left(24 * HOUR), { days: 1, clock: '0:00:00' })
  assert.deepEqual(left(51 * HOUR + 62 * SECOND), { days: 2, clock: '3:01:02' })
})

test('info has the word of the host, and how far this machine\'s clock is behind', () => {
  const answer = {
    width: 1, height: 1, palette: ['#000000'], edit_code: { x_bits: 1, y_bits: 1, color_bits: 1, bytes: 1 }, version: 0, log: 'a',
    gate: { open: false, opens: null, closes: null }, announcement: { text: 'Hello', until: null }
  }
  const info = parseInfo(answer, 'Sun, 29 Nov 2026 18:00:00 GMT', MOMENT - 10 * SECOND)
  assert.deepEqual(info.notices, { gate: answer.gate, announcement: answer.announcement })
  assert.equal(info.aheadMs, 10 * SECOND)
  assert.equal(parseInfo(answer, 'Sun, 29 Nov 2026 18:00:00 GMT', MOMENT + 900).aheadMs, 0)
  assert.equal(parseInfo(answer, null, MOMENT).aheadMs, 0)
})
