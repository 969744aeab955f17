import assert from 'node:assert/strict'
import test from 'node:test'

import { Playback, SPEEDS } from '../../client/past/playback.js'

function playing({ at = 0, speed = 1_000, backwards = false } = {}) {
  const playback = new Playback(0, 1_000_000)
  Object.assign(playback, { speed, backwards })
  playback.seek(at)
  playback.play(0)
  return playback
}

test('it begins at the present, and moves only while it plays', () => {
  const playback = new Playback(5, 1_000)
  assert.equal(playback.tick(1), 1_000)
  assert.ok(playback.atEnd && !playback.playing)
})

test('time passes at its speed, in its direction', () => {
  assert.equal(playing({ speed: 100 }).tick(16), 1_600)
  assert.equal(playing({ speed: 10, backwards: true, at: 500_000 }).tick(10), 499_900)
})

test('at an end it stops, and playing again begins at the other', () => {
  const playback = playing({ at: 999_999 })
  assert.equal(playback.tick(100), 1_000_000)
  assert.equal(playback.playing, false)
  playback.play(200)
  assert.equal(playback.tick(201), 1_000)
  const backwards = playing({ at: 10, backwards: true })
  assert.equal(backwards.tick(100), 0)
  backwards.play(0)
  assert.equal(backwards.tick(1), 999_000)
})

test('while it is held no time passes, and none is caught up with', () => {
  const playback = playing()
  playback.hold(true)
  assert.equal(playback.tick(100), 0)
  playback.hold(false)
  assert.equal(playback.tick(101), 1_000)
})

test('a page that slept goes on where it was', () => {
  assert.ok(playing().tick(3_600_000) <= 250_000)
})

test('new edits lengthen it: who is at the end stays there, and a moment that was chosen stays as it is', () => {
  const playback = new Playback(0, 100)
  playback.extend(200)
  assert.equal(playback.moment, 200)
  playback.seek(150)
  playback.extend(300)
  assert.equal(playback.moment, 150)
  playback.extend(50)
  assert.equal(playback.to, 300)
})

test('speeds go step by step, and no further than the last', () => {
  const playback = playing({ speed: SPEEDS[0] })
  playback.step(-1)
  assert.equal(playback.speed, SPEEDS[0])
  for (const speed of [...SPEEDS.slice(1), SPEEDS[SPEEDS.length - 1]]) {
    playback.step(1)
    assert.equal(playback.speed, speed)
  }
})
