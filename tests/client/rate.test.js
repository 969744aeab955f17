import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Rate } from '../../client/stream/rate.js'

const START_MS = 1_700_000_000_000

test('it is the mean of the last five whole seconds', () => {
  const rate = new Rate()
  for (let second = 0; second < 6; second++) rate.add(20, START_MS + second * 1000)
  assert.equal(rate.perSecond(START_MS + 5_000), 20)
})

test('within a second it stays as it is', () => {
  const rate = new Rate()
  rate.add(50, START_MS)
  for (let ms = 1_000; ms < 2_000; ms += 100) {
    rate.add(7, START_MS + ms)
    assert.equal(rate.perSecond(START_MS + ms), 10)
  }
})

test('few are told with one decimal', () => {
  const rate = new Rate()
  rate.add(2, START_MS)
  assert.equal(rate.perSecond(START_MS + 1_000), 0.4)
})

test('what is older no longer counts', () => {
  const rate = new Rate()
  rate.add(100, START_MS)
  assert.equal(rate.perSecond(START_MS + 5_999), 20)
  assert.equal(rate.perSecond(START_MS + 6_000), 0)
  rate.add(50, START_MS + 3_600_000)
  assert.equal(rate.perSecond(START_MS + 3_601_000), 10)
})
