import assert from 'node:assert/strict'
import { test } from 'node:test'

import { IMAGE_TIMEOUT_MS, INFO_TIMEOUT_MS, OPEN_TIMEOUT_MS, Resync, SILENCE_MS } from '../../client/resync.js'

/** @typedef {import('../../client/resync.js').Command} Command */

/** @param {Command | null} command */
function given(command) {
  assert.ok(command, 'no command')
  return command
}

/**
 * A machine that follows the stream of log 'a' from version 5, and is live.
 * @param {{ random: () => number }} [options]  by default, chance always says the most
 */
function live({ random } = { random: () => 0.999 }) {
  const machine = new Resync(random)
  const info = machine.start(0)
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 5 }, 0))
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 5 }, 0))
  machine.heard(stream.run, 0)
  return { machine, run: stream.run }
}

test('a start loads info, then the image, then follows from the image', () => {
  const machine = new Resync()
  const info = machine.start(0)
  assert.equal(info.do, 'info')
  assert.equal(machine.connection, 'connecting')
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 7 }, 0))
  assert.deepEqual(image, { do: 'image', run: image.run, query: '' })
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 5 }, 0))
  assert.deepEqual(stream, { do: 'stream', run: stream.run, version: 5, log: 'a' })
  machine.heard(stream.run, 0)
  assert.equal(machine.connection, 'catching-up')
  assert.equal(machine.gotFrame(stream.run, 7), true)
  assert.equal(machine.connection, 'live')
})

test('an image of another log than info named is not shown', () => {
  const machine = new Resync(() => 0)
  const image = given(machine.gotInfo(machine.start(0).run, { log: 'b', version: 7 }, 0))
  assert.equal(given(machine.gotImage(image.run, { log: 'a', version: 900 }, 0)).do, 'wait')
  assert.equal(machine.log, null)
  const info = given(machine.tick(0))
  assert.equal(info.do, 'info')
  const again = given(machine.gotInfo(info.run, { log: 'b', version: 8 }, 0))
  assert.equal(again.do === 'image' && again.query, '?v=8&try=1')
})

test('a stream that ends is followed on from the version reached', () => {
  const { machine, run } = live()
  machine.gotFrame(run, 9)
  assert.equal(given(machine.ended(run, {}, 100)).do, 'wait')
  assert.equal(machine.connection, 'offline')
  assert.equal(machine.tick(101), null)
  const stream = given(machine.tick(1100))
  assert.equal(stream.do === 'stream' && stream.version, 9)
})

test('duplicates, and frames of a stream that was given up, are not applied', () => {
  const { machine, run } = live()
  assert.equal(machine.gotFrame(run, 5), false)
  assert.equal(machine.gotFrame(run, 8), true)
  assert.equal(machine.gotFrame(run, 7), false)
  machine.probe(0)
  assert.equal(machine.gotFrame(run, 9), false)
  assert.equal(machine.version, 8)
})

test('results of a command that was replaced are ignored', () => {
  const machine = new Resync(() => 0)
  const first = machine.start(0)
  machine.tick(INFO_TIMEOUT_MS + 1)
  assert.equal(machine.gotInfo(first.run, { log: 'a', version: 1 }, 0), null)
  assert.equal(machine.gotImage(first.run, { log: 'a', version: 1 }, 0), null)
  assert.equal(machine.gotReload(first.run, { v: 1, log: 'a' }, 0), null)
  assert.equal(machine.ended(first.run, {}, 0), null)
})

test('after reload no stream is opened before a new image is there, whatever fails between', () => {
  for (const code of ['a', 'b']) {
    const { machine, run } = live({ random: () => 0 })
    machine.gotReload(run, { v: 70, log: code }, 0)
    for (let i = 0; i < 20; i++) {
      let command = given(machine.tick(i))
      if (command.do === 'info') command = given(machine.gotInfo(command.run, { log: code, version: 70 }, i))
      assert.equal(command.do, 'image')
      machine.ended(command.run, { refused: i % 2 === 0 }, i)
    }
  }
})

test('the image after a reload is asked for past the caches, each time under another address', () => {
  const { machine, run } = live({ random: () => 0 })
  const addresses = new Set()
  let stream = run
  for (let i = 0; i < 5; i++) {
    machine.gotReload(stream, { v: 70, log: 'a' }, 0)
    const image = given(machine.tick(0))
    assert.ok(image.do === 'image' && image.query.startsWith('?v=70'))
    addresses.add(image.query)
    stream = given(machine.gotImage(image.run, { log: 'a', version: 60 }, 0)).run
  }
  assert.equal(addresses.size, 5)
})

test('a version from the future goes back to what the server has', () => {
  const { machine, run } = live({ random: () => 0 })
  machine.gotFrame(run, 50)
  machine.gotReload(run, { v: 20, log: 'a' }, 0)
  const image = given(machine.tick(0))
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 20 }, 0))
  assert.equal(stream.do === 'stream' && stream.version, 20)
})

test('another log is met by asking info first', () => {
  const { machine, run } = live({ random: () => 0 })
  machine.gotReload(run, { v: 2, log: 'b' }, 0)
  assert.equal(machine.connection, 'catching-up')
  assert.equal(given(machine.tick(0)).do, 'info')
})

test('waiting grows from one failure to the next up to a bound, and is spread', () => {
  const waits = [0, 0.5, 0.999].map((chance) => {
    const machine = new Resync(() => chance)
    let { run } = machine.start(0)
    return Array.from({ length: 12 }, () => {
      run = given(machine.ended(run, {}, 0)).run
      const ms = machine.retryInMs(0)
      run = given(machine.tick(ms)).run
      return ms
    })
  })
  assert.ok(waits[0].every((ms) => ms === 0))
  assert.deepEqual(waits[1].slice(0, 7), [500, 1000, 2000, 4000, 8000, 15000, 15000])
  assert.ok(waits[2].every((ms) => ms < 30_000))
})

test("the server's retry time and Retry-After are kept", () => {
  const { machine, run } = live({ random: () => 0.5 })
  machine.gotRetry(4000)
  machine.ended(run, { retryAfterMs: 3000, refused: true }, 0)
  assert.equal(machine.retryInMs(0), 5000)
})

test("the server's retry time is outgrown, not multiplied", () => {
  const machine = new Resync(() => 0.5)
  machine.gotRetry(4000)
  let { run } = machine.start(0)
  const waits = Array.from({ length: 5 }, () => {
    run = given(machine.ended(run, {}, 0)).run
    const ms = machine.retryInMs(0)
    run = given(machine.tick(ms)).run
    return ms
  })
  assert.deepEqual(waits, [2000, 2000, 2000, 4000, 8000])
})

test('a healthy stream earns a fresh back-off, one that ends at once does not', () => {
  const { machine, run } = live({ random: () => 0.5 })
  let stream = run
  for (const [i, ms] of [500, 1000, 2000].entries()) {
    machine.heard(stream, i)
    machine.ended(stream, {}, i)
    assert.equal(machine.retryInMs(i), ms)
    stream = given(machine.tick(1e6 * (i + 1))).run
  }
  machine.heard(stream, 4e6)
  machine.heard(stream, 4e6 + 5000)
  machine.ended(stream, {}, 4e6 + 5000)
  assert.equal(machine.retryInMs(4e6 + 5000), 500)
})

test('each step has a time limit, and a silent stream is given up', () => {
  const machine = new Resync(() => 0)
  const info = machine.start(0)
  assert.equal(machine.tick(INFO_TIMEOUT_MS), null)
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 1 }, 0))
  assert.equal(machine.tick(IMAGE_TIMEOUT_MS), null)
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 1 }, 0))
  assert.equal(machine.tick(OPEN_TIMEOUT_MS), null)
  machine.heard(stream.run, 1000)
  assert.equal(machine.tick(1000 + SILENCE_MS), null)
  assert.equal(given(machine.tick(1001 + SILENCE_MS)).do, 'wait')
  assert.equal(given(machine.tick(1002 + SILENCE_MS)).do, 'stream')
})

test('waking up looks at once when the stream was silent, and not otherwise', () => {
  const { machine } = live()
  assert.equal(machine.wake(10_000), null)
  assert.equal(given(machine.wake(30_000)).do, 'stream')
})

test('when the network is back there is no waiting', () => {
  const { machine, run } = live()
  machine.ended(run, {}, 0)
  assert.equal(given(machine.probe(1)).do, 'stream')
})

test('a clock set back neither waits for ever nor gives up early', () => {
  const { machine, run } = live()
  assert.equal(machine.tick(-1e9), null)
  machine.ended(run, {}, 0)
  assert.equal(given(machine.tick(-1e9)).do, 'stream')
})
