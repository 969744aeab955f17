/**
 * The page's machine with a model of the worst that servers, caches and networks do: once the faults stop, the page
 * becomes live and equal to the server's canvas, and it never shows edits in another order than the log's.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Resync } from '../../client/stream/resync.js'
import { chance } from './chance.js'
import { Server } from './model_server.js'
import { World } from './model_world.js'

/** @typedef {import('../../client/stream/commands.js').Command} Command */

/** @type {import('../../client/stream/refusals.js').Kind[]} */
const KINDS = ['full', 'refused', 'restarting', 'unreachable', 'failed']
const SEEDS = 300
const WORLDS = 200 // each loses its network four times

/** The page: it carries out commands as `connection.js` does, over an unreliable network. */
class Page {
  indexes = /** @type {number[]} */ ([])
  #server
  #random
  #machine
  #command = /** @type {Command} */ ({ do: 'wait', run: 0 })

  /**
   * @param {Server} server
   * @param {() => number} random
   * @param {Resync} machine
   */
  constructor(server, random, machine) {
    this.#server = server
    this.#random = random
    this.#machine = machine
  }

  /** @param {Command | null} command */
  obey(command) {
    if (command) this.#command = command
  }

  /**
   * Let the running command go on, or, with the given chance, fail or meet a stale cache.
   *
   * @param {number} now
   * @param {number} trouble  0 to 1
   */
  step(now, trouble) {
    const [command, machine, server] = [this.#command, this.#machine, this.#server]
    const failing = this.#random() < trouble
    if (command.do !== 'wait' && failing && this.#random() < 0.5) {
      const kind = KINDS[Math.floor(this.#random() * KINDS.length)]
      const refused = this.#random() < 0.3 ? { kind, status: 500 } : null
      return this.obey(machine.ended(command.run, { refused, failed: this.#random() < 0.3 }, now))
    }
    const { log, version } = server
    if (command.do === 'info') this.obey(machine.gotInfo(command.run, { log, version }, now))
    else if (command.do === 'image') this.#image(command, failing, now)
    else if (command.do === 'stream' || command.do === 'poll') this.#edits(command, failing, now)
  }

  /**
   * @param {Command & { do: 'image' }} command
   * @param {boolean} stale
   * @param {number} now
   */
  #image({ run, query }, stale, now) {
    const { images } = this.#server
    const image = stale && !query ? images[Math.floor(this.#random() * images.length)] : this.#server.snap()
    const next = this.#machine.gotImage(run, image, now)
    if (next && this.#machine.log === image.log && this.#machine.version === image.version) this.indexes = [...image.indexes]
    this.obey(next)
  }

  /**
   * @param {Command & { do: 'stream' | 'poll' }} command
   * @param {boolean} duplicated
   * @param {number} now
   */
  #edits({ do: what, run, log }, duplicated, now) {
    const [machine, server] = [this.#machine, this.#server]
    const from = machine.version
    if (log !== server.log || from > server.version || from < server.feedFirst) {
      return this.obey(machine.gotReload(run, { v: server.version, log: server.log }, now))
    }
    machine.heard(run, now)
    const writable = this.#random() < 0.9
    if (this.#random() < 0.5) machine.gotStatus(run, { version: server.version, viewers: 1, writable })
    const to = Math.min(server.version, from + 1 + Math.floor(this.#random() * 5))
    const start = duplicated ? Math.max(1, from - 3) : from
    for (const [first, last] of duplicated ? [[start, from], [from, to]] : [[from, to]]) {
      if (!machine.gotFrame(run, last)) continue
      for (const [pixel, color] of server.edits.slice(first - 1, last - 1)) this.indexes[pixel] = color
    }
    if (what === 'poll') this.obey(machine.ended(run, {}, now))
  }
}

test('whatever happened, the page ends live and equal to the server', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = chance(seed)
    const [server, machine] = [new Server(random), new Resync(random)]
    const page = new Page(server, random, machine)
    let now = 0
    page.obey(machine.start(now))
    for (let i = 0; i < 400; i++) {
      now += random() * 3000
      if (random() < 0.4) server.shake()
      if (random() < 0.03) page.obey(machine.attention.probe(now))
      if (random() < 0.03) page.obey(machine.attention.wake((now += 60_000)))
      if (random() < 0.05) page.obey(machine.attention.network(random() < 0.5, now))
      if (random() < 0.05) page.obey(machine.attention.seen(random() < 0.5, now))
      page.obey(machine.tick(now))
      page.step(now, 0.3)
    }
    // A restored backup that has grown again past our version can't be recognised by its version alone: the log's
    // id must change with it. All other cases have to work, so the model ends on a log of its own.
    server.log += 'end'
    page.obey(machine.attention.network(true, now))
    page.obey(machine.attention.seen(true, now))
    const isLive = () => ['live', 'read-only'].includes(machine.standing.connection)
    const done = () => isLive() && machine.log === server.log && machine.version === server.version
    for (let i = 0; i < 200 && !done(); i++) {
      now += 1000
      if (i < 20) server.edit()
      page.obey(machine.tick(now))
      page.step(now, 0)
    }
    assert.ok(isLive(), `seed ${seed}: ${machine.standing.connection}`)
    assert.equal(machine.log, server.log, `seed ${seed}`)
    assert.deepEqual(page.indexes, server.canvasAt(server.version), `seed ${seed}`)
  }
})

test('while nothing but the network fails, the page equals the log at its version at every moment', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = chance(seed)
    const [server, machine] = [new Server(random), new Resync(random)]
    const page = new Page(server, random, machine)
    let now = 0
    page.obey(machine.start(now))
    for (let i = 0; i < 300; i++) {
      now += random() * 3000
      if (random() < 0.5) server.edit()
      if (random() < 0.1) server.snap()
      if (random() < 0.05) server.feedFirst = server.version
      if (random() < 0.05) page.obey(machine.attention.probe(now))
      if (random() < 0.05) page.obey(machine.attention.network(random() < 0.5, now))
      page.obey(machine.tick(now))
      page.step(now, 0.3)
      if (machine.log === null) continue
      assert.deepEqual(page.indexes, server.canvasAt(machine.version), `seed ${seed}, step ${i}`)
    }
  }
})

/** Ways to lose the network and get it back; each takes the world, and ends when the network is back. */
const LOSSES = {
  /** @param {World} world @param {number} ms */
  'the browser tells': (world, ms) => {
    world.lose({ told: true, breaks: world.random() < 0.5 })
    world.pass(ms)
    world.restore({ told: true })
  },
  /** @param {World} world @param {number} ms */
  'nobody tells, and requests fail': (world, ms) => {
    world.lose({ told: false, breaks: true })
    world.pass(ms)
    world.restore({ told: false })
  },
  /** @param {World} world @param {number} ms */
  'the machine sleeps': (world, ms) => {
    world.lose({ told: false, breaks: world.random() < 0.5 })
    world.sleep(10 * ms)
    world.restore({ told: world.random() < 0.5 })
  },
  /** @param {World} world @param {number} ms */
  'nobody looks': (world, ms) => {
    world.look(false)
    world.lose({ told: false, breaks: world.random() < 0.5 })
    world.pass(4 * ms)
    world.restore({ told: false })
    world.look(true)
  }
}

for (const [name, loss] of Object.entries(LOSSES)) {
  test(`two seconds after the network is back the page is right, without an image: ${name}`, () => {
    for (let seed = 1; seed <= WORLDS; seed++) {
      const world = new World(chance(seed))
      world.begin()
      for (let i = 0; i < 4; i++) {
        const images = world.images
        loss(world, 8_000 + world.random() * 45_000)
        world.still = true
        world.pass(2_000)
        const told = `seed ${seed}, loss ${i}: ${JSON.stringify(world.state())}`
        assert.equal(world.machine.standing.connection, 'live', told)
        assert.equal(world.machine.version, world.server.version, told)
        assert.deepEqual(world.indexes, world.server.canvasAt(world.server.version), told)
        assert.equal(world.images, images, told)
        world.still = false
        world.pass(world.random() * 20_000)
      }
    }
  })
}

test('what the feed no longer has is made up for by an image, within seconds', () => {
  for (let seed = 1; seed <= WORLDS; seed++) {
    const world = new World(chance(seed))
    world.begin()
    const images = world.images
    world.lose({ told: true, breaks: true })
    world.pass(30_000)
    world.server.edit()
    world.server.feedFirst = world.server.version
    world.restore({ told: true })
    world.still = true
    world.pass(8_000) // after the server's own spread of up to 5 s
    assert.equal(world.machine.standing.connection, 'live', `seed ${seed}`)
    assert.deepEqual(world.indexes, world.server.canvasAt(world.server.version), `seed ${seed}`)
    assert.equal(world.images, images + 1, `seed ${seed}`)
  }
})

test('a page for which there is no network asks twice a minute at most', () => {
  const world = new World(chance(1))
  world.begin()
  world.lose({ told: true, breaks: true })
  const before = world.requests
  world.pass(600_000)
  assert.ok(world.requests - before <= 20, String(world.requests - before))
})

test('while nobody answers, a page that is seen asks about once a second for a minute, and then ever less', () => {
  const world = new World(chance(2))
  world.begin()
  world.lose({ told: false, breaks: true })
  let before = world.requests
  world.pass(60_000)
  const minute = world.requests - before
  assert.ok(minute >= 30 && minute <= 120, String(minute))
  before = world.requests
  world.pass(600_000)
  assert.ok(world.requests - before <= 80, String(world.requests - before))
})
