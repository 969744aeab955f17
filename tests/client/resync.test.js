import assert from 'node:assert/strict'
import { test } from 'node:test'

import { QUICK_FOR_MS, QUICK_MS } from '../../client/stream/back_off.js'
import { IMAGE_TIMEOUT_MS, INFO_TIMEOUT_MS, OPEN_TIMEOUT_MS, PROBE_MS, SILENCE_MS } from '../../client/stream/patience.js'
import { Resync } from '../../client/stream/resync.js'

/** @typedef {import('../../client/stream/commands.js').Command} Command */

/** @param {Command | null} command */
function given(command) {
  assert.ok(command, 'no command')
  return command
}

/**
 * Let time pass as for a page that is awake; return the first resulting command, and its time.
 *
 * @param {Resync} machine
 * @param {number} from
 * @param {number} to
 */
function pass(machine, from, to) {
  for (let now = from; now < to; now += 200) {
    const command = machine.tick(now)
    if (command) return { command, now }
  }
  return { command: machine.tick(to), now: to }
}

/**
 * A machine that follows the stream of log 'a' from version 5, and is live.
 * @param {{ random: () => number }} [options]  by default, chance always gives the highest value
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
  assert.equal(machine.standing.connection, 'connecting')
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 7 }, 0))
  assert.deepEqual(image, { do: 'image', run: image.run, query: '' })
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 5 }, 0))
  assert.deepEqual(stream, { do: 'stream', run: stream.run, version: 5, log: 'a' })
  machine.heard(stream.run, 0)
  assert.equal(machine.standing.connection, 'catching-up')
  assert.equal(machine.gotFrame(stream.run, 7), true)
  assert.equal(machine.standing.connection, 'live')
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
  assert.equal(machine.standing.connection, 'offline')
  assert.equal(machine.tick(101), null)
  const stream = given(machine.tick(1100))
  assert.equal(stream.do === 'stream' && stream.version, 9)
})

test('duplicates, and frames of a stream that was given up, are not applied', () => {
  const { machine, run } = live()
  assert.equal(machine.gotFrame(run, 5), false)
  assert.equal(machine.gotFrame(run, 8), true)
  assert.equal(machine.gotFrame(run, 7), false)
  machine.attention.probe(0)
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
      machine.ended(command.run, { refused: i % 2 === 0 ? { kind: 'failed', status: 500 } : null }, i)
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
  assert.equal(machine.standing.connection, 'catching-up')
  assert.equal(given(machine.tick(0)).do, 'info')
})

test('a canvas that has grown is met by asking info, and then for an image that has grown', () => {
  const { machine, run } = live({ random: () => 0 })
  machine.gotReload(run, { v: 9, log: 'a', hasGrown: true }, 0)
  const info = given(machine.tick(0))
  assert.equal(info.do, 'info')
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 9 }, 0))
  assert.ok(image.do === 'image' && image.query.startsWith('?v=9'))
})

test('waiting grows from one failure to the next up to a bound, and is spread', () => {
  const waits = [0, 0.5, 0.999].map((chance) => {
    const machine = new Resync(() => chance)
    let { run } = machine.start(0)
    let now = 0
    return Array.from({ length: 12 }, () => {
      run = given(machine.ended(run, {}, now)).run
      const ms = machine.standing.retryInMs(now)
      run = given(pass(machine, now, now + ms).command).run
      now += ms
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
  machine.ended(run, { retryAfterMs: 3000, refused: { kind: 'restarting', status: 503 } }, 0)
  assert.equal(machine.standing.retryInMs(0), 5000)
})

test("the server's retry time is outgrown, not multiplied", () => {
  const machine = new Resync(() => 0.5)
  machine.gotRetry(4000)
  let { run } = machine.start(0)
  const waits = Array.from({ length: 5 }, () => {
    run = given(machine.ended(run, {}, 0)).run
    const ms = machine.standing.retryInMs(0)
    run = given(machine.tick(ms)).run
    return ms
  })
  assert.deepEqual(waits, [2000, 2000, 2000, 4000, 8000])
})

test('a healthy stream earns a fresh back-off, one that ends at once does not', () => {
  const { machine, run } = live({ random: () => 0.5 })
  let stream = run
  let now = 0
  for (const ms of [500, 1000, 2000]) {
    machine.heard(stream, now)
    machine.ended(stream, {}, now)
    assert.equal(machine.standing.retryInMs(now), ms)
    stream = given(pass(machine, now, now + ms).command).run
    now += ms
  }
  machine.heard(stream, now)
  machine.heard(stream, now + 5000)
  machine.ended(stream, {}, now + 5000)
  assert.equal(machine.standing.retryInMs(now + 5000), 500)
})

test('each step has a time limit, and a silent stream is given up', () => {
  const machine = new Resync(() => 0)
  const info = machine.start(0)
  assert.equal(pass(machine, 0, INFO_TIMEOUT_MS).command, null)
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 1 }, INFO_TIMEOUT_MS))
  let now = INFO_TIMEOUT_MS + IMAGE_TIMEOUT_MS
  assert.equal(pass(machine, INFO_TIMEOUT_MS, now).command, null)
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 1 }, now))
  assert.equal(pass(machine, now, now + PROBE_MS).command, null)
  machine.heard(stream.run, now)
  const silent = pass(machine, now, now + SILENCE_MS + 400)
  assert.equal(given(silent.command).do, 'wait')
  assert.ok(silent.now > now + SILENCE_MS)
  const again = pass(machine, silent.now, silent.now + QUICK_MS.most)
  assert.equal(given(again.command).do, 'stream')
})

test('a stream that is not answered is tried again soon, and then less soon, as the link may be slow', () => {
  const { machine, run } = live()
  machine.ended(run, { failed: true }, 0)
  let now = 0
  const waits = []
  for (let i = 0; i < 4; i++) {
    const opened = pass(machine, now, now + 60_000)
    assert.equal(given(opened.command).do, 'stream')
    const doubted = pass(machine, opened.now, opened.now + 60_000)
    assert.equal(given(doubted.command).do, 'poll')
    waits.push(Math.floor((doubted.now - opened.now) / 1000))
    const givenUp = pass(machine, doubted.now, doubted.now + 60_000)
    assert.equal(given(givenUp.command).do, 'wait')
    now = givenUp.now
  }
  assert.deepEqual(waits, [4, 8, 15, 15])
  assert.ok(OPEN_TIMEOUT_MS === 15_000)
})

test('while somebody looks, an attempt that nobody answers is repeated after about a second, for a minute', () => {
  for (const chance of [0, 0.5, 0.999]) {
    const { machine, run } = live({ random: () => chance })
    let [now, stream] = [0, run]
    const waits = []
    while (now < QUICK_FOR_MS + 20_000) {
      machine.ended(stream, { failed: true }, now)
      const ms = machine.standing.retryInMs(now)
      waits.push({ at: now, ms })
      const next = pass(machine, now, now + ms)
      stream = given(next.command).run
      now = next.now + 1
    }
    const soon = waits.filter(({ at }) => at < QUICK_FOR_MS)
    assert.ok(soon.every(({ ms }) => ms >= QUICK_MS.least && ms <= QUICK_MS.most))
    const later = waits.slice(soon.length).map(({ ms }) => ms)
    if (chance) assert.deepEqual(later, later.toSorted((a, b) => a - b))
    if (chance) assert.ok((later.at(-1) ?? 0) > QUICK_MS.most)
  }
})

test('waking up looks at once when the stream was silent, and not otherwise', () => {
  const { machine } = live()
  assert.equal(machine.attention.wake(4_000), null)
  assert.equal(given(machine.attention.wake(6_000)).do, 'stream')
})

test('a stream that is looked after stays live until nobody answers', () => {
  const { machine } = live()
  const stream = given(machine.attention.wake(6_000))
  assert.equal(machine.standing.connection, 'live')
  assert.equal(given(pass(machine, 6_000, 6_000 + PROBE_MS + 400).command).do, 'poll')
  assert.equal(machine.standing.connection, 'catching-up')
  pass(machine, 6_000 + PROBE_MS + 400, 6_000 + 2 * PROBE_MS + 800)
  assert.equal(machine.standing.connection, 'offline')
  assert.equal(machine.gotFrame(stream.run, 9), false)
})

test('a gap between two ticks is sleep: the stream is looked after at once, if the page is seen', () => {
  for (const visible of [true, false]) {
    const { machine } = live()
    machine.tick(0)
    machine.attention.seen(visible, 0)
    assert.equal(machine.tick(30_000)?.do, visible ? 'stream' : 'rest')
  }
})

test('a network that the browser knows is gone is told at once, spares attempts, and is used as soon as it is back', () => {
  const { machine, run } = live()
  machine.heard(run, 100)
  assert.equal(machine.attention.network(false, 200), null)
  assert.equal(machine.standing.connection, 'offline')
  machine.heard(run, 300) // bytes that were under way
  assert.equal(machine.standing.connection, 'offline')
  machine.ended(run, { failed: true }, 400)
  assert.equal(machine.attention.wake(500), null)
  assert.equal(pass(machine, 600, 25_000).command, null)
  const back = given(machine.attention.network(true, 25_000))
  assert.deepEqual(back, { do: 'stream', run: back.run, version: 5, log: 'a' })
  assert.equal(machine.standing.connection, 'catching-up')
  machine.heard(back.run, 25_100)
  assert.equal(machine.standing.connection, 'live')
})

test('a browser that is wrong about the network is found out: a server may be on this machine', () => {
  const { machine, run } = live()
  machine.attention.network(false, 0)
  machine.heard(run, 5_000)
  assert.equal(machine.standing.connection, 'offline')
  const again = given(machine.tick(5_100))
  assert.deepEqual(again, { do: 'stream', run: again.run, version: 5, log: 'a' })
  machine.heard(again.run, 5_200)
  assert.equal(machine.standing.connection, 'live')
  machine.ended(again.run, {}, 6_000)
  assert.ok(machine.standing.retryInMs(6_000) <= 1_000)
  machine.attention.network(false, 7_000) // it says it again and again
  assert.equal(given(pass(machine, 7_000, 8_000).command).do, 'stream')
})

test('a stream that goes on is no network while nothing new gets through, and one attempt finds that out', () => {
  const { machine, run } = live()
  machine.attention.network(false, 0)
  for (let now = 2_000; now < 5_000; now += 500) machine.heard(run, now)
  machine.gotFrame(run, 6)
  assert.deepEqual([machine.standing.connection, machine.version], ['offline', 6])
  const again = given(machine.tick(5_100))
  assert.equal(again.do === 'stream' && again.version, 6)
  assert.equal(machine.tick(5_200), null)
  machine.ended(again.run, { failed: true }, 5_300)
  assert.equal(pass(machine, 5_400, 35_000).command, null)
  assert.equal(machine.standing.connection, 'offline')
})

test('a request that was under way when the network came back is made again', () => {
  const machine = new Resync()
  machine.attention.network(false, 0)
  const first = machine.start(0)
  assert.equal(machine.standing.connection, 'offline')
  const again = given(machine.attention.network(true, 3_000))
  assert.equal(again.do, 'info')
  assert.equal(machine.gotInfo(first.run, { log: 'a', version: 1 }, 3_000), null)
  assert.equal(machine.standing.connection, 'connecting')
})

test('the status is the goal, says how far behind the canvas is, and whether it may be painted on', () => {
  const { machine, run } = live()
  assert.equal(machine.viewers, null)
  const other = given(machine.attention.probe(0)).run
  assert.equal(machine.gotStatus(run, { version: 90, viewers: 1, writable: false }), false)
  machine.heard(other, 0)
  assert.equal(machine.gotStatus(other, { version: 9, viewers: 3, writable: true }), true)
  assert.deepEqual([machine.standing.connection, machine.lag, machine.viewers], ['catching-up', 4, 3])
  machine.gotFrame(other, 7)
  assert.deepEqual([machine.standing.connection, machine.lag], ['catching-up', 2])
  machine.gotFrame(other, 9)
  assert.deepEqual([machine.standing.connection, machine.lag], ['live', 0])
  machine.gotStatus(other, { version: 9, viewers: 2, writable: false })
  assert.deepEqual([machine.standing.connection, machine.viewers], ['read-only', 2])
  machine.gotStatus(other, { version: 9, viewers: 2, writable: true })
  assert.equal(machine.standing.connection, 'live')
})

test('a status that is ahead of edits on their way is no reason to say so, one that still is the next time is', () => {
  const { machine, run } = live()
  machine.gotStatus(run, { version: 5, viewers: 1, writable: true })
  machine.gotStatus(run, { version: 8, viewers: 1, writable: true })
  assert.deepEqual([machine.standing.connection, machine.lag], ['live', 3])
  machine.gotFrame(run, 6)
  machine.gotStatus(run, { version: 20, viewers: 1, writable: true })
  assert.equal(machine.standing.connection, 'catching-up')
  machine.gotFrame(run, 20)
  assert.equal(machine.standing.connection, 'live')
})

test('when the network is back there is no waiting', () => {
  const { machine, run } = live()
  machine.ended(run, {}, 0)
  assert.equal(given(machine.attention.probe(1)).do, 'stream')
})

test('a clock set back neither waits for ever nor gives up early', () => {
  const { machine, run } = live()
  assert.equal(machine.tick(-1e9), null)
  machine.ended(run, {}, 0)
  assert.equal(given(machine.tick(-1e9)).do, 'stream')
})
