import assert from 'node:assert/strict'
import { test } from 'node:test'

import { CooldownClock, parseRateLimit } from '../../client/painting/cooldown.js'

/** @param {Partial<import('../../client/painting/cooldown.js').Cooldown>} [cooldown] */
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

test('an edit that placed nothing gives its charge back, at once', () => {
  const clock = clockWith({ charges: 1, charge_seconds: 300, remaining: 1 })
  clock.spend(0)
  assert.equal(clock.remaining(10), 0)
  clock.givenBack(20)
  assert.deepEqual([clock.remaining(20), clock.nextMs(20)], [1, 0])
  clock.givenBack(30)
  assert.equal(clock.remaining(30), 1)
})

test('a charge that is given back does not give the others back, nor earlier', () => {
  const clock = clockWith()
  for (const now of [0, 500, 1_000]) clock.spend(now)
  clock.givenBack(1_100)
  assert.deepEqual([clock.remaining(1_100), clock.nextMs(1_100)], [8, 900])
})

test('what the server says when it is asked counts, unless edits are on their way that it can not know of', () => {
  const clock = clockWith()
  const asked = { charges: 10, charge_seconds: 2, remaining: 4, next_seconds: 1 }
  clock.set(asked, 100)
  assert.deepEqual([clock.remaining(100), clock.nextMs(100)], [4, 1_000])
  clock.spend(200)
  clock.set(asked, 300, 250)
  assert.equal(clock.remaining(300), 3)
  clock.answered(400, { remaining: 3, nextSeconds: 1 })
  clock.set(asked, 500, 250)
  assert.equal(clock.remaining(500), 3)
  clock.set({ ...asked, remaining: 2 }, 600, 450)
  assert.equal(clock.remaining(600), 2)
})

test('what another tab of the browser spends is spent here', () => {
  const [one, other] = [clockWith(), clockWith()]
  one.spend(0)
  one.answered(10, { remaining: 9, nextSeconds: 2 })
  other.told(one.standing(10), 10)
  assert.deepEqual([other.remaining(10), other.nextMs(10)], [9, one.nextMs(10)])
  other.spend(20)
  other.told(one.standing(30), 30)
  assert.equal(other.remaining(30), 8)
})
