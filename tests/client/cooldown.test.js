import assert from 'node:assert/strict'
import { test } from 'node:test'

import { CooldownClock, parseRateLimit } from '../../client/cooldown.js'

/** @param {Partial<import('../../client/cooldown.js').Cooldown>} [cooldown] */
function clockWith(cooldown) {
  const clock = new CooldownClock()
  clock.set({ charges: 10, charge_seconds: 2, remaining: 10, next_seconds: 0, ...cooldown }, 0)
  return clock
}

test('charges come back one by one, up to the most', () => {
  const clock = clockWith({ remaining: 7, next_seconds: 0.5 })
  assert.deepEqual([0, 499, 500, 2500, 4500, 99_000].map((now) => clock.remaining(now)), [7, 7, 8, 9, 10, 10])
  assert.equal(clock.nextMs(99_000), 0)
})

test('an edit spends a charge, and starts the clock when all were there', () => {
  const clock = clockWith()
  clock.spend(1000)
  assert.equal(clock.remaining(1000), 9)
  assert.equal(clock.nextMs(1000), 2000)
  clock.spend(2000)
  assert.equal(clock.nextMs(2000), 1000)
})

test("the server's word corrects the count", () => {
  const clock = clockWith()
  clock.spend(0)
  clock.answered(10, { remaining: 3, nextSeconds: 1 })
  assert.equal(clock.remaining(10), 3)
  assert.equal(clock.nextMs(10), 1000)
})

test('an answer that knows nothing of later edits does not give charges back', () => {
  const clock = clockWith()
  for (let i = 0; i < 3; i++) clock.spend(0)
  clock.answered(5, { remaining: 9, nextSeconds: 2 })
  assert.equal(clock.remaining(5), 7)
  clock.answered(6, { remaining: 7, nextSeconds: 2 })
  clock.answered(7, { remaining: 8, nextSeconds: 2 })
  assert.equal(clock.remaining(7), 8)
})

test('a refusal means none left, and says when', () => {
  const clock = clockWith()
  clock.spend(0)
  clock.refused(100, 0.37)
  assert.equal(clock.remaining(100), 0)
  assert.equal(clock.nextMs(100), 370)
  assert.equal(clock.remaining(470), 1)
})

test('without a cooldown nothing is limited', () => {
  const clock = clockWith({ charges: 0, charge_seconds: 0, remaining: 0 })
  clock.spend(0)
  clock.answered(1, null)
  assert.equal(clock.limited, false)
  assert.equal(clock.nextMs(1), 0)
  assert.equal(clock.progress(1), 1)
})

test('progress runs from 0 to 1 between charges', () => {
  const clock = clockWith({ remaining: 0, next_seconds: 2 })
  assert.deepEqual([0, 500, 1000].map((now) => clock.progress(now)), [0, 0.25, 0.5])
})

test('a clock set back does not stop the charges', () => {
  const clock = clockWith({ remaining: 0, next_seconds: 2 })
  assert.equal(clock.nextMs(-1_000_000), 2000)
})

test('the RateLimit field is read, and anything else is no news', () => {
  assert.deepEqual(parseRateLimit('"edits";r=7;t=1'), { remaining: 7, nextSeconds: 1 })
  for (const field of [null, '', 'edits', '"edits";r=x;t=1', '"edits";r=1']) assert.equal(parseRateLimit(field), null)
})
