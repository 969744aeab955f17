/**
 * A page, a network with a delay, and a server, in model time. The page carries out commands as `connection.js` does; after
 * everything that arrives, its canvas is compared with the log.
 */

import assert from 'node:assert/strict'

import { Resync } from '../../client/stream/resync.js'
import { Server } from './model_server.js'

/** @typedef {import('../../client/stream/commands.js').Command} Command */

const TICK_MS = 200
const HEARTBEAT_MS = 15_000
const STEP_MS = 50
const MOST_DELAY_MS = 70 // one way
const FAILS_MS = 20

export class World {
  indexes = /** @type {number[]} */ ([])
  images = 0 // loaded
  requests = 0
  still = false // nobody places an edit
  machine
  server
  random
  #now = 0
  #up = true
  #visible = true
  #command = /** @type {Command} */ ({ do: 'wait', run: 0 })
  #arrivals = /** @type {{ at: number, act: () => void }[]} */ ([]) // in the order in which they were sent
  #sent = /** @type {number | null} */ (null) // how far the stream has been sent; null without one that lives
  #beatAt = 0

  /** @param {() => number} random */
  constructor(random) {
    this.random = random
    this.server = new Server(random)
    this.machine = new Resync(random)
  }

  /** Load the page, and let some time pass. */
  begin() {
    this.#obey(this.machine.start(this.#now))
    this.pass(5_000)
    this.still = true
    this.pass(1_000)
    this.still = false
    assert.equal(this.machine.standing.connection, 'live')
  }

  /** A description for the message of a failed test. */
  state() {
    const { standing, version, lag } = this.machine
    return { now: this.#now, connection: standing.connection, version, lag, server: this.server.version, command: this.#command }
  }

  /**
   * Take the network away.
   * @param {{ told: boolean, breaks: boolean }} how  the browser tells; streams end with an error, and not in silence
   */
  lose({ told, breaks }) {
    this.#up = false
    this.#arrivals = []
    const { run } = this.#command
    const streams = this.#sent !== null
    this.#sent = null
    if (told) this.#obey(this.machine.attention.network(false, this.#now))
    if (breaks && streams) this.#later(this.random() * 3_000, () => this.#fail(run))
    else if (!streams) this.#fail(run)
  }

  /** @param {{ told: boolean }} how  the browser tells */
  restore({ told }) {
    this.#up = true
    if (told) this.#obey(this.machine.attention.network(true, this.#now))
  }

  /** @param {boolean} visible */
  look(visible) {
    this.#visible = visible
    this.#obey(this.machine.attention.seen(visible, this.#now))
  }

  /** @param {number} ms */
  sleep(ms) {
    this.#place(ms)
    this.#now += ms
  }

  /** @param {number} ms */
  pass(ms) {
    const end = this.#now + ms
    while (this.#now < end) {
      this.#now += STEP_MS
      if (!this.still) this.#place(STEP_MS)
      this.#arrive()
      this.#stream()
      if (this.#now % (this.#visible ? TICK_MS : 60_000) < STEP_MS) this.#obey(this.machine.tick(this.#now))
    }
  }

  /** @param {number} ms */
  #place(ms) {
    if (this.random() < ms / 500) this.server.edit()
    if (this.random() < ms / 3_000) this.server.snap()
  }

  #arrive() {
    const due = this.#arrivals.filter(({ at }) => at <= this.#now)
    if (!due.length) return
    this.#arrivals = this.#arrivals.filter(({ at }) => at > this.#now)
    for (const { act } of due) act()
    if (this.machine.log !== null) assert.deepEqual(this.indexes, this.server.canvasAt(this.machine.version))
  }

  /**
   * @param {number} ms
   * @param {() => void} act
   */
  #later(ms, act) {
    // Later messages don't overtake earlier ones.
    const at = Math.max(this.#now + ms, ...this.#arrivals.map((arrival) => arrival.at))
    this.#arrivals.push({ at, act })
  }

  /** @param {number} run */
  #fail(run) {
    this.#obey(this.machine.ended(run, { failed: true }, this.#now))
  }

  /** @param {Command | null} command */
  #obey(command) {
    if (!command) return
    this.#command = command
    this.#arrivals = []
    this.#sent = null
    if (command.do === 'wait' || command.do === 'follow' || command.do === 'rest') return
    this.requests += 1
    const { run } = command
    const version = 'version' in command ? command.version : 0
    if (!this.#up) return this.#later(FAILS_MS, () => this.#fail(run))
    const delayMs = 2 * this.random() * MOST_DELAY_MS
    const ends = command.do === 'poll'
    if (command.do === 'info') this.#later(delayMs, () => this.#info(run))
    else if (command.do === 'image') this.#later(delayMs, () => this.#image(run, command.query))
    else this.#later(delayMs, () => this.#open(run, version, ends))
  }

  /** @param {number} run */
  #info(run) {
    const { log, version } = this.server
    this.#obey(this.machine.gotInfo(run, { log, version }, this.#now))
  }

  /**
   * @param {number} run
   * @param {string} query
   */
  #image(run, query) {
    this.images += 1
    const { images } = this.server
    const image = query ? this.server.snap() : images[Math.max(0, images.length - 1 - Math.floor(this.random() * 3))]
    const command = this.machine.gotImage(run, image, this.#now)
    if (command && this.machine.log === image.log && this.machine.version === image.version) this.indexes = [...image.indexes]
    this.#obey(command)
  }

  /**
   * @param {number} run
   * @param {number} from
   * @param {boolean} ends  it is a poll, and ends with what there is
   */
  #open(run, from, ends) {
    const { version, log, feedFirst } = this.server
    if (from < feedFirst) return this.#obey(this.machine.gotReload(run, { v: version, log }, this.#now))
    this.machine.heard(run, this.#now)
    this.#status(run)
    if (ends) {
      this.#send(run, from, version)
      return this.#later(0, () => this.#obey(this.machine.ended(run, {}, this.#now)))
    }
    this.#sent = from
    this.#beatAt = this.#now + HEARTBEAT_MS
  }

  /** @param {number} run */
  #status(run) {
    this.machine.gotStatus(run, { version: this.server.version, viewers: 1, writable: true })
  }

  /** The server sends new edits, sometimes with some repeated before or after them, or a sign of life. */
  #stream() {
    if (this.#sent === null) return
    const { run } = this.#command
    const [from, to] = [this.#sent, this.server.version]
    const again = this.random() < 0.2 ? Math.max(1, from - 2) : from
    if (to > from) {
      this.#sent = to
      const late = this.random() < 0.5
      if (again < from && !late) this.#send(run, again, from)
      this.#send(run, from, to)
      if (again < from && late) this.#send(run, again, from)
    } else if (this.#now >= this.#beatAt) {
      this.#beatAt = this.#now + HEARTBEAT_MS
      this.#later(this.random() * MOST_DELAY_MS, () => {
        this.machine.heard(run, this.#now)
        this.#status(run)
      })
    }
  }

  /**
   * @param {number} run
   * @param {number} from
   * @param {number} to
   */
  #send(run, from, to) {
    const edits = this.server.edits.slice(from - 1, to - 1)
    this.#later(this.random() * MOST_DELAY_MS, () => {
      this.machine.heard(run, this.#now)
      if (!this.machine.gotFrame(run, to)) return
      for (const [pixel, color] of edits) this.indexes[pixel] = color
    })
  }
}
