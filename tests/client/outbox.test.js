import assert from 'node:assert/strict'
import { test } from 'node:test'

import { CooldownClock } from '../../client/painting/cooldown.js'
import { Outbox } from '../../client/painting/outbox.js'

/** @typedef {Awaited<ReturnType<import('../../client/painting/outbox.js').Page['post']>>} Answer */

/** @param {number} id */
const edit = (id) => ({ id, x: id, y: 0, color: 5 })

/**
 * @param {number} version
 * @param {number} [remaining]
 * @returns {Answer}
 */
const placed = (version, remaining) => ({
  outcome: { kind: 'posted', version },
  rateLimit: remaining === undefined ? null : { remaining, nextSeconds: 1 }
})

/**
 * @param {number} remaining
 * @returns {Answer}
 */
const tooMany = (remaining) => ({
  outcome: { kind: 'refused', reason: 'not yet', retrySeconds: 9 },
  rateLimit: { remaining, nextSeconds: 1 }
})

/**
 * An outbox whose answers arrive when the test says so.
 * @param {{ charges?: number, mostEdits?: number }} [options]
 */
function outboxWith({ charges = 10, mostEdits = 10 } = {}) {
  const cooldown = new CooldownClock()
  cooldown.set({ charges, charge_seconds: 1_000, remaining: charges, next_seconds: 0 }, Date.now())
  const posted = /** @type {number[][]} */ ([])
  const answers = /** @type {((answer: Answer) => void)[]} */ ([])
  const told = /** @type {[number[], string][]} */ ([])
  const outbox = new Outbox({
    cooldown,
    mostEdits: () => mostEdits,
    post(edits) {
      posted.push(edits.map(({ id }) => id))
      return new Promise((resolve) => answers.push(resolve))
    },
    answered: (edits, outcome) => told.push([edits.map(({ id }) => id), outcome.kind])
  })
  return {
    posted,
    told,
    remaining: () => cooldown.remaining(Date.now()),
    gather(/** @type {number[]} */ ...ids) {
      for (const id of ids) {
        cooldown.spend(Date.now())
        outbox.gather(edit(id))
      }
      return settle()
    },
    answer(/** @type {Answer} */ answer) {
      answers.shift()?.(answer)
      return settle()
    }
  }
}

const settle = () => new Promise((resolve) => setTimeout(resolve))

test('a line goes out a request at a time, each with what has gathered meanwhile', async () => {
  const { posted, told, gather, answer } = outboxWith()
  await gather(1, 2)
  await gather(3)
  await gather(4, 5)
  assert.deepEqual(posted, [[1, 2]])
  await answer(placed(7))
  assert.deepEqual(posted, [[1, 2], [3, 4, 5]])
  await answer(placed(8))
  await gather(6)
  assert.deepEqual(posted, [[1, 2], [3, 4, 5], [6]])
  assert.deepEqual(told, [[[1, 2], 'posted'], [[3, 4, 5], 'posted']])
})

test('no request holds more than the server takes', async () => {
  const { posted, gather, answer } = outboxWith({ mostEdits: 2 })
  await gather(1, 2, 3, 4, 5)
  for (let i = 0; i < 3; i++) await answer(placed(i))
  assert.deepEqual(posted, [[1, 2], [3, 4], [5]])
})

test('where charges are left for fewer, as many go again, and the others are refused', async () => {
  const { posted, told, gather, answer, remaining } = outboxWith()
  await gather(1, 2, 3, 4)
  await answer(tooMany(2)) // neighbours behind the same address have painted
  assert.deepEqual(posted, [[1, 2, 3, 4], [1, 2]])
  await answer(placed(7, 0))
  assert.deepEqual(told, [[[3, 4], 'refused'], [[1, 2], 'posted']])
  assert.equal(remaining(), 0)
})

test('where no charge is left all are refused, and what has gathered is not sent', async () => {
  const { posted, told, gather, answer, remaining } = outboxWith()
  await gather(1, 2)
  await gather(3)
  await answer(tooMany(0))
  assert.deepEqual(posted, [[1, 2]])
  assert.deepEqual(told, [[[1, 2], 'refused'], [[3], 'refused']])
  assert.equal(remaining(), 1) // that of the one that wasn't sent
  await gather(4)
  assert.deepEqual(posted, [[1, 2], [4]])
})

test('refused for another reason, all charges are given back', async () => {
  const { gather, answer, remaining } = outboxWith()
  await gather(1, 2, 3)
  assert.equal(remaining(), 7)
  await answer({ outcome: { kind: 'refused', reason: 'the log is away', retrySeconds: null }, rateLimit: null })
  assert.equal(remaining(), 10)
})

test('where nobody knows, the charges stay spent and nothing more is sent', async () => {
  const { posted, told, gather, answer, remaining } = outboxWith()
  await gather(1, 2)
  await gather(3)
  await answer({ outcome: { kind: 'unknown', reason: 'lost' }, rateLimit: null })
  assert.deepEqual([posted.length, told], [1, [[[1, 2], 'unknown'], [[3], 'refused']]])
  assert.equal(remaining(), 8)
})
