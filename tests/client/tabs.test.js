import assert from 'node:assert/strict'
import { test } from 'node:test'

import { MAX_NUMBERS, SharedFrames } from '../../client/tabs/shared_frames.js'
import { BEAT_MS, LOST_MS, Tabs } from '../../client/tabs/tabs.js'

const tabs = () => new Tabs('m', () => 0.5)

test('a tab that hears of none that leads follows none', () => {
  assert.equal(tabs().follows(0), false)
})

test('a tab that leads is followed until it has said nothing for a while', () => {
  const one = tabs()
  assert.equal(one.heard({ id: 'z', sound: true }, null, 0), true)
  assert.equal(one.follows(LOST_MS), true)
  one.heardFrame('z', LOST_MS)
  assert.equal(one.follows(2 * LOST_MS), true)
  one.heardFrame('y', 2 * LOST_MS)
  assert.equal(one.follows(3 * LOST_MS), false)
})

test('a tab that gives the stream up is soon followed no more, another one that does changes nothing', () => {
  const one = tabs()
  one.heard({ id: 'z', sound: true }, null, 0)
  one.left('y', 0)
  assert.equal(one.follows(1_000), true)
  one.left('z', 1_000)
  assert.equal(one.follows(1_000), true) // others may be quicker
  assert.equal(one.follows(1_200), false)
})

test('of two that lead the one whose stream is sound goes on, of two such the one with the lesser id', () => {
  assert.equal(tabs().heard({ id: 'z', sound: true }, false, 0), true)
  assert.equal(tabs().heard({ id: 'a', sound: false }, true, 0), false)
  assert.equal(tabs().heard({ id: 'a', sound: true }, true, 0), true)
  assert.equal(tabs().heard({ id: 'z', sound: true }, true, 0), false)
})

test('a tab that leads says so once a second, at once when somebody is new, and when there is news', () => {
  const one = tabs()
  assert.equal(one.beats('', 0), true)
  assert.equal(one.beats('', BEAT_MS - 1), false)
  assert.equal(one.beats('', BEAT_MS), true)
  one.asked()
  assert.equal(one.beats('', BEAT_MS + 1), true)
  assert.equal(one.beats('news', BEAT_MS + 2), true)
  one.heard({ id: 'z', sound: false }, true, BEAT_MS + 3) // it has to hear from us
  assert.equal(one.beats('news', BEAT_MS + 3), true)
})

test('frames wait for the delta before them, in order, and what is old goes', () => {
  const frames = new SharedFrames()
  let version = 5
  const applied = /** @type {number[]} */ ([])
  const drain = () =>
    frames.drain(
      ({ from, to }) => {
        if (from > version || to <= version) return false
        version = to
        return applied.push(to) > 0
      },
      () => version
    )
  for (const [from, to] of [[3, 5], [7, 8], [8, 10]]) frames.add({ log: 'a', from, to, edits: new Uint16Array(3) })
  drain()
  assert.deepEqual(applied, [])
  version = 7
  drain()
  assert.deepEqual(applied, [8, 10])
  version = 0
  drain()
  assert.deepEqual(applied, [8, 10])
})

test('more frames than a page should keep are forgotten: the next delta has them', () => {
  const frames = new SharedFrames()
  frames.add({ log: 'a', from: 1, to: 2, edits: new Uint16Array(MAX_NUMBERS) })
  frames.add({ log: 'a', from: 2, to: 3, edits: new Uint16Array(3) })
  frames.drain(() => assert.fail('it was kept'), () => 0)
})
