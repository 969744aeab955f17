/**
 * The page's machine against a model of the worst that servers, caches and networks do: whatever happens, once it
 * stops happening the page ends live and equal to the server's canvas, and it never shows edits in another order than
 * the log's.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Resync } from '../../client/resync.js'
import { chance } from './chance.js'

/** @typedef {import('../../client/resync.js').Command} Command */

const SEEDS = 300
const PIXELS = 8

/** A log of edits; the canvas at version v has the first v - 1. Each edit is [pixel, color]. */
class Server {
  log = 'log1'
  edits = /** @type {[number, number][]} */ ([])
  feedFirst = 1
  images = /** @type {{ log: string, version: number, indexes: number[] }[]} */ ([]) // what caches may still hold
  #random

  /** @param {() => number} random */
  constructor(random) {
    this.#random = random
    this.snap()
  }

  get version() {
    return this.edits.length + 1
  }

  /** @param {number} version */
  canvasAt(version) {
    const indexes = new Array(PIXELS).fill(0)
    for (const [pixel, color] of this.edits.slice(0, version - 1)) indexes[pixel] = color
    return indexes
  }

  snap() {
    const image = { log: this.log, version: this.version, indexes: this.canvasAt(this.version) }
    this.images.push(image)
    return image
  }

  edit() {
    this.edits.push([Math.floor(this.#random() * PIXELS), Math.floor(this.#random() * 100)])
  }

  /** Something happens to the server. */
  shake() {
    const what = this.#random()
    if (what < 0.7) this.edit()
    else if (what < 0.85) this.snap()
    else if (what < 0.93) this.feedFirst = Math.floor(this.#random() * this.version) + 1
    else if (what < 0.97) this.edits.length = Math.floor(this.edits.length * this.#random()) // a backup was restored
    else {
      this.log += 'x'
      this.edits = []
    }
    this.feedFirst = Math.min(this.feedFirst, this.version)
  }
}

/** The page: carries out commands as `connection.js` does, over a network that does what it likes. */
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
   * The running command gets on, or, with the chance given, fails or meets a stale cache.
   *
   * @param {number} now
   * @param {number} trouble  0 to 1
   */
  step(now, trouble) {
    const [command, machine, server] = [this.#command, this.#machine, this.#server]
    const failing = this.#random() < trouble
    if (command.do !== 'wait' && failing && this.#random() < 0.5) {
      return this.obey(machine.ended(command.run, { refused: this.#random() < 0.3 }, now))
    }
    const { log, version } = server
    if (command.do === 'info') this.obey(machine.gotInfo(command.run, { log, version }, now))
    else if (command.do === 'image') this.#image(command, failing, now)
    else if (command.do === 'stream') this.#stream(command, failing, now)
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
    if (next?.do === 'stream') this.indexes = [...image.indexes]
    this.obey(next)
  }

  /**
   * @param {Command & { do: 'stream' }} command
   * @param {boolean} duplicated
   * @param {number} now
   */
  #stream({ run, log }, duplicated, now) {
    const [machine, server] = [this.#machine, this.#server]
    const from = machine.version
    if (log !== server.log || from > server.version || from < server.feedFirst) {
      return this.obey(machine.gotReload(run, { v: server.version, log: server.log }, now))
    }
    machine.heard(run, now)
    const to = Math.min(server.version, from + 1 + Math.floor(this.#random() * 5))
    const start = duplicated ? Math.max(1, from - 3) : from
    for (const [first, last] of duplicated ? [[start, from], [from, to]] : [[from, to]]) {
      if (!machine.gotFrame(run, last)) continue
      for (const [pixel, color] of server.edits.slice(first - 1, last - 1)) this.indexes[pixel] = color
    }
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
      if (random() < 0.03) page.obey(machine.probe(now))
      if (random() < 0.03) page.obey(machine.wake((now += 60_000)))
      page.obey(machine.tick(now))
      page.step(now, 0.3)
    }
    // A restored backup that has grown again past our version can't be told by its version alone: the log's id must
    // change with it. Everything else has to be right, so the model ends on a log of its own.
    server.log += 'end'
    const done = () => machine.connection === 'live' && machine.log === server.log && machine.version === server.version
    for (let i = 0; i < 200 && !done(); i++) {
      now += 1000
      if (i < 20) server.edit()
      page.obey(machine.tick(now))
      page.step(now, 0)
    }
    assert.equal(machine.connection, 'live', `seed ${seed}`)
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
      if (random() < 0.05) page.obey(machine.probe(now))
      page.obey(machine.tick(now))
      page.step(now, 0.3)
      if (machine.log === null) continue
      assert.deepEqual(page.indexes, server.canvasAt(machine.version), `seed ${seed}, step ${i}`)
    }
  }
})
