/**
 * The sources of edits other than the page's own stream: polls, and another tab that has the stream.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { POLL_MS } from '../../client/stream/fallback.js'
import { AHEAD_MS } from '../../client/stream/following.js'
import { PROBE_MS, SILENCE_MS } from '../../client/stream/patience.js'
import { Resync } from '../../client/stream/resync.js'

/** @typedef {import('../../client/stream/commands.js').Command} Command */
/** @typedef {import('../../client/stream/commands.js').Lead} Lead */

const FULL = /** @type {const} */ ({ kind: 'full', status: 429 })
const REFUSED = /** @type {const} */ ({ kind: 'refused', status: 403 })

/** @param {Command | null} command */
function given(command) {
  assert.ok(command, 'no command')
  return command
}

/**
 * Let time pass; return the first resulting command, and its time.
 *
 * @param {Resync} machine
 * @param {number} from
 * @param {number} ms
 */
function pass(machine, from, ms) {
  for (let now = from; now < from + ms; now += 200) {
    const command = machine.tick(now)
    if (command) return { command, now }
  }
  return { command: null, now: from + ms }
}

/** A machine that has an image at version 5 of log 'a', and asks for the stream. */
function opening() {
  const machine = new Resync(() => 0.5)
  const info = machine.start(0)
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 5 }, 0))
  return { machine, run: given(machine.gotImage(image.run, { log: 'a', version: 5 }, 0)).run }
}

/**
 * Answer the poll: a status, a frame up to `version` if that is new, and the end.
 *
 * @param {Resync} machine
 * @param {number} run
 * @param {number} version
 * @param {number} now
 */
function answer(machine, run, version, now) {
  machine.heard(run, now)
  machine.gotStatus(run, { version, viewers: 1, writable: true })
  machine.gotFrame(run, version)
  return given(machine.ended(run, {}, now))
}

/** A machine that polls because its stream was refused. */
function polling() {
  const { machine, run } = opening()
  const poll = given(machine.ended(run, { refused: FULL }, 0))
  answer(machine, poll.run, 5, 0)
  return machine
}

/** @type {Lead} */
const LEAD = { connection: 'live', log: 'a', version: 5, viewers: 3, retryAt: 0, refusal: null, polls: false }

/** A machine that follows another tab. */
function following() {
  const { machine } = opening()
  const command = given(machine.otherTab.follow(true, 0))
  machine.otherTab.gotLead(LEAD, 0)
  return { machine, command }
}

test('a stream that says nothing is followed by a poll that answers at once, twice before it is believed', () => {
  const { machine } = opening()
  const first = pass(machine, 0, 10_000)
  assert.ok(first.now <= PROBE_MS + 400)
  assert.deepEqual({ ...given(first.command), run: 0 }, { do: 'poll', run: 0, version: 5, log: 'a', waitSeconds: 0 })
  answer(machine, given(first.command).run, 6, first.now)
  assert.deepEqual([machine.standing.connection, machine.version, machine.standing.polls], ['live', 6, false])
  const again = pass(machine, first.now, 10_000)
  assert.equal(given(again.command).do, 'stream')
  const second = pass(machine, again.now, 10_000)
  assert.equal(given(second.command).do, 'poll')
  answer(machine, given(second.command).run, 6, second.now)
  assert.deepEqual([machine.standing.connection, machine.standing.polls], ['live', true])
  const poll = given(pass(machine, second.now, 2 * POLL_MS).command)
  assert.ok(poll.do === 'poll' && poll.waitSeconds === 20)
})

test('a stream that ends before it has begun is none that comes through', () => {
  const { machine, run } = opening()
  assert.equal(given(machine.ended(run, {}, 0)).do, 'poll')
})

test('who is refused a stream polls at once, and stays live', () => {
  for (const refused of [FULL, REFUSED]) {
    const { machine, run } = opening()
    const poll = given(machine.ended(run, { refused, retryAfterMs: 30_000 }, 0))
    assert.equal(poll.do, 'poll')
    answer(machine, poll.run, 6, 100)
    assert.deepEqual([machine.standing.connection, machine.standing.polls, machine.standing.refusal], ['live', true, null])
  }
})

test('a server that is away is waited for, and not polled', () => {
  for (const kind of /** @type {const} */ (['restarting', 'unreachable'])) {
    const { machine, run } = opening()
    assert.equal(given(machine.ended(run, { refused: { kind, status: 503 } }, 0)).do, 'wait')
    assert.deepEqual([machine.standing.connection, machine.standing.refusal?.kind], ['offline', kind])
  }
})

test('polls stay live between and during them, start at most once a second, and go on at once where an answer was cut', () => {
  const machine = polling()
  let now = 0
  for (let i = 0; i < 5; i++) {
    const next = pass(machine, now, 10_000)
    assert.ok(next.now - now >= POLL_MS)
    now = next.now
    assert.equal(machine.standing.connection, 'live')
    answer(machine, given(next.command).run, 6 + i, now)
    assert.equal(machine.standing.connection, 'live')
  }
  const { run } = given(pass(machine, now, 10_000).command)
  machine.heard(run, now)
  machine.gotStatus(run, { version: 90, viewers: 1, writable: true })
  machine.gotFrame(run, 50)
  const more = given(machine.ended(run, {}, now))
  assert.ok(more.do === 'poll' && more.version === 50)
})

test('the stream is tried again after minutes, unseen, ever less often, and kept when it works', () => {
  const machine = polling()
  const tries = []
  let now = 0
  let since = 0
  while (tries.length < 3) {
    const { command, now: at } = pass(machine, now, 60_000)
    now = at
    assert.equal(machine.standing.connection, 'live')
    if (command?.do === 'stream') {
      tries.push(now - since)
      since = now
    } else if (command?.do === 'poll') answer(machine, command.run, 5, now)
  }
  assert.ok(tries[0] > 60_000 && tries[1] > 1.5 * tries[0] && tries[2] > 1.5 * tries[1], String(tries))
  const { command } = pass(machine, now, 60_000)
  answer(machine, given(command).run, 5, now)
  machine.attention.network(false, now)
  const stream = given(machine.attention.network(true, now + 10))
  assert.equal(stream.do, 'stream')
  machine.heard(stream.run, now + 20)
  assert.equal(machine.standing.polls, false)
})

test('a poll that is refused because it is full waits as it was told, shows an image, and paints on', () => {
  const { machine, run } = opening()
  const poll = given(machine.ended(run, { refused: FULL }, 0))
  assert.equal(given(machine.ended(poll.run, { refused: FULL, retryAfterMs: 5_000 }, 0)).do, 'wait')
  assert.deepEqual([machine.standing.connection, machine.standing.refusal], ['offline', FULL])
  assert.ok(machine.standing.retryInMs(0) >= 5_000)
  const image = given(pass(machine, 0, 20_000).command)
  assert.deepEqual({ ...image, run: 0 }, { do: 'image', run: 0, query: '?v=5' })
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 9 }, 9_000))
  assert.deepEqual([stream.do, machine.version, machine.standing.refusal], ['stream', 9, FULL])
})

test('who is too far behind for the edits to be had loads the image, without waiting for them', () => {
  const { machine, run } = opening()
  const refused = { kind: /** @type {const} */ ('full'), status: 429, isFar: true }
  assert.equal(given(machine.ended(run, { refused, retryAfterMs: 60_000 }, 0)).do, 'wait')
  assert.deepEqual([machine.standing.connection, machine.standing.refusal], ['catching-up', null])
  assert.ok(machine.standing.retryInMs(0) <= 1_000)
  const image = given(pass(machine, 0, 2_000).command)
  assert.deepEqual({ ...image, run: 0 }, { do: 'image', run: 0, query: '?v=5' })
})

test('an image that is older than the canvas is not gone back to', () => {
  const { machine, run } = opening()
  machine.gotFrame(run, 9)
  const poll = given(machine.ended(run, { refused: FULL }, 0))
  machine.ended(poll.run, { refused: FULL }, 0)
  const image = given(pass(machine, 0, 20_000).command)
  machine.gotImage(image.run, { log: 'a', version: 7 }, 0)
  assert.equal(machine.version, 9)
})

test('a poll that a proxy cuts off waits less the next time', () => {
  const machine = polling()
  let now = 0
  const waits = []
  for (let i = 0; i < 3; i++) {
    const { command, now: at } = pass(machine, now, 10_000)
    const poll = given(command)
    waits.push(poll.do === 'poll' && poll.waitSeconds)
    now = at
    machine.ended(poll.run, { failed: true }, now)
  }
  assert.deepEqual(waits, [20, 10, 5])
})

test('frames of another tab are applied where they go on from the canvas, and no others', () => {
  const { machine, command } = following()
  assert.equal(command.do, 'follow')
  assert.deepEqual([machine.standing.connection, machine.viewers], ['live', 3])
  assert.equal(machine.otherTab.gotShared({ log: 'a', from: 5, to: 7 }, 10), true)
  assert.equal(machine.otherTab.gotShared({ log: 'a', from: 5, to: 7 }, 10), false)
  assert.equal(machine.otherTab.gotShared({ log: 'a', from: 8, to: 9 }, 10), false)
  assert.equal(machine.otherTab.gotShared({ log: 'b', from: 7, to: 9 }, 10), false)
  assert.equal(machine.otherTab.gotShared({ log: 'a', from: 6, to: 9 }, 10), true)
  assert.equal(machine.version, 9)
})

test('what is missing is asked for, once, and then followed on', () => {
  const { machine } = following()
  const delta = given(machine.otherTab.gotLead({ ...LEAD, version: 9 }, 10))
  assert.deepEqual({ ...delta, run: 0 }, { do: 'poll', run: 0, version: 5, log: 'a', waitSeconds: 0 })
  assert.equal(machine.standing.connection, 'catching-up')
  assert.equal(machine.otherTab.gotLead({ ...LEAD, version: 10 }, 20), null)
  assert.equal(answer(machine, delta.run, 10, 30).do, 'follow')
  assert.equal(machine.otherTab.gotLead({ ...LEAD, version: 10 }, 40), null)
  assert.equal(machine.standing.connection, 'live')
})

test('a tab that is followed and has another log makes us ask which one counts', () => {
  const { machine } = following()
  assert.equal(given(machine.otherTab.gotLead({ ...LEAD, log: 'b' }, 10)).do, 'wait')
  const info = given(pass(machine, 10, 10_000).command)
  assert.equal(info.do, 'info')
  assert.equal(given(machine.gotInfo(info.run, { log: 'b', version: 3 }, 20)).do, 'image')
})

test('a tab that is followed and stays behind us makes us ask, as the server may have been set back', () => {
  const { machine } = following()
  machine.otherTab.gotShared({ log: 'a', from: 5, to: 9 }, 10)
  for (let now = 10; now < AHEAD_MS; now += 1_000) assert.equal(machine.otherTab.gotLead({ ...LEAD, version: 8 }, now), null)
  const delta = given(machine.otherTab.gotLead({ ...LEAD, version: 8 }, AHEAD_MS + 1_000))
  assert.equal(delta.do, 'poll')
  machine.gotReload(delta.run, { v: 8, log: 'a' }, AHEAD_MS + 1_000)
  assert.equal(given(pass(machine, AHEAD_MS + 1_000, 10_000).command).do, 'image')
})

test('how the tab that is followed stands is how we do', () => {
  const { machine } = following()
  const refusal = FULL
  machine.otherTab.gotLead({ ...LEAD, connection: 'offline', retryAt: 4_000, refusal, polls: true }, 10)
  assert.deepEqual([machine.standing.connection, machine.standing.retryInMs(1_000), machine.standing.polls], ['offline', 3_000, true])
  assert.deepEqual(machine.standing.refusal, refusal)
  machine.otherTab.gotLead({ ...LEAD, connection: 'read-only' }, 10)
  assert.equal(machine.standing.connection, 'read-only')
})

test('when nobody has the stream any more, we ask for it from our version, and stay live', () => {
  const { machine } = following()
  machine.otherTab.gotShared({ log: 'a', from: 5, to: 9 }, 10)
  const stream = given(machine.otherTab.follow(false, 20))
  assert.deepEqual({ ...stream, run: 0 }, { do: 'stream', run: 0, version: 9, log: 'a' })
  assert.equal(machine.standing.connection, 'live')
  assert.equal(machine.standing.isSound(20), false)
  machine.heard(stream.run, 30)
  assert.equal(machine.standing.isSound(30), true)
  assert.equal(machine.standing.isSound(30 + SILENCE_MS), false)
})

test('a doubt of somebody who follows is settled by a delta', () => {
  const { machine } = following()
  assert.equal(given(machine.attention.probe(10)).do, 'poll')
  assert.equal(machine.standing.connection, 'live')
})
