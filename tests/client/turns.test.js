import assert from 'node:assert/strict'
import { test } from 'node:test'

import { MOST, Turns } from '../../client/tabs/turns.js'

/** Tabs that hear each other at once, unless `later` delays their messages. */
class Room {
  tabs = /** @type {Turns[]} */ ([])
  loading = /** @type {(AbortSignal | null)[]} */ ([])
  said = /** @type {(() => void)[]} */ ([])
  now = 0
  later = false

  /** @param {number} count */
  constructor(count) {
    this.tabs = Array.from({ length: count }, (_, i) => new Turns(`id${i}`, (since) => this.#say(i, since)))
    this.loading = this.tabs.map(() => null)
  }

  /**
   * @param {number} from
   * @param {number | null} since
   */
  #say(from, since) {
    const act = () => this.tabs.forEach((tab, i) => i === from || tab.heard(`id${from}`, since, this.now))
    if (this.later) this.said.push(act)
    else act()
  }

  /** @param {number} i */
  async wish(i) {
    void this.tabs[i].take(this.now).then((turn) => (this.loading[i] = turn))
    await this.settle()
  }

  /** @param {number} i */
  async end(i) {
    this.tabs[i].end()
    this.loading[i] = null
    await this.settle()
  }

  async settle() {
    for (const act of this.said.splice(0)) act()
    for (const tab of this.tabs) tab.tick(this.now)
    await Promise.resolve()
  }

  get busy() {
    return this.loading.flatMap((turn, i) => (turn && !turn.aborted ? [i] : []))
  }
}

test('a tab that is alone has its turn at once', async () => {
  const room = new Room(1)
  await room.wish(0)
  assert.deepEqual(room.busy, [0])
})

test('two load at a time, the others when one has ended', async () => {
  const room = new Room(5)
  for (let i = 0; i < 5; i++) await room.wish(i)
  assert.deepEqual(room.busy, [0, 1])
  await room.end(0)
  assert.equal(room.busy.length, MOST)
})

test('of those that began at once all but two break off, and wait', async () => {
  const room = new Room(6)
  room.later = true
  for (let i = 0; i < 6; i++) void room.tabs[i].take(0).then((turn) => (room.loading[i] = turn))
  await Promise.resolve()
  assert.equal(room.busy.length, 6)
  room.later = false
  await room.settle()
  assert.deepEqual(room.busy, [0, 1])
})

test('a tab that is gone without a word holds nobody up for long, one that still loads does', async () => {
  const room = new Room(3)
  for (let i = 0; i < 3; i++) await room.wish(i)
  for (room.now = 1_000; room.now <= 9_000; room.now += 1_000) await room.settle()
  assert.deepEqual(room.busy, [0, 1])
  room.tabs[0].tick = () => {}
  for (; room.now <= 20_000; room.now += 1_000) await room.settle()
  assert.ok(room.busy.includes(2))
})

test('ending without a turn does nothing', () => {
  new Turns('a', () => assert.fail('it told')).end()
})
