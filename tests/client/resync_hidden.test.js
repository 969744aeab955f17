/**
 * A page that isn't visible.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { HIDDEN_MS } from '../../client/stream/presence.js'
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

/** A machine that follows the stream of log 'a' from version 5, and is live. */
function live() {
  const machine = new Resync()
  const info = machine.start(0)
  const image = given(machine.gotInfo(info.run, { log: 'a', version: 5 }, 0))
  const stream = given(machine.gotImage(image.run, { log: 'a', version: 5 }, 0))
  machine.heard(stream.run, 0)
  return { machine, run: stream.run }
}

test('a page that nobody has looked at for a moment asks nothing, and goes on from its version when it is seen', () => {
  const { machine, run } = live()
  machine.attention.seen(false, 0)
  const away = pass(machine, 0, 60_000)
  assert.deepEqual([given(away.command).do, away.now], ['rest', HIDDEN_MS])
  assert.equal(machine.gotFrame(run, 9), false)
  assert.equal(pass(machine, HIDDEN_MS, 3_600_000).command, null)
  assert.equal(machine.attention.network(false, 3_600_000), null)
  assert.equal(machine.attention.network(true, 3_600_100), null)
  assert.deepEqual({ ...given(machine.attention.seen(true, 3_600_200)), run: 0 }, { do: 'stream', run: 0, version: 5, log: 'a' })
  assert.equal(machine.standing.connection, 'catching-up')
})

test('a look at another tab costs nothing', () => {
  const { machine, run } = live()
  machine.attention.seen(false, 0)
  assert.equal(pass(machine, 0, HIDDEN_MS - 400).command, null)
  assert.equal(machine.attention.seen(true, HIDDEN_MS - 300), null)
  assert.equal(pass(machine, HIDDEN_MS - 300, 30_000).command, null)
  assert.equal(machine.gotFrame(run, 9), true)
})

test('a page that was never seen loads nothing, and one that waits, or loads, when it is hidden goes on with that', () => {
  const unseen = new Resync()
  unseen.attention.seen(false, 0)
  assert.equal(unseen.start(0).do, 'rest')
  const info = given(unseen.attention.seen(true, 50_000))
  assert.equal(info.do, 'info')
  unseen.gotInfo(info.run, { log: 'a', version: 1 }, 50_000)
  unseen.attention.seen(false, 50_000)
  assert.equal(given(unseen.tick(60_000)).do, 'rest')
  assert.equal(given(unseen.attention.seen(true, 90_000)).do, 'image')
  const { machine, run } = live()
  machine.ended(run, { refused: { kind: 'restarting', status: 503 } }, 0)
  machine.attention.freeze(1)
  assert.equal(machine.tick(100_000), null)
  assert.equal(given(machine.attention.seen(true, 200_000)).do, 'info')
})
