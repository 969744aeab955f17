/**
 * The tabs of one browser with a model of the worst that happens to them: they close, crash, freeze and thaw, become
 * hidden and visible, and their messages are lost, late, or about a log that is gone. No tab ever shows edits in another
 * order than the log's. Once the faults stop, visible tabs become live and equal to the server's canvas, and share one
 * stream.
 */

import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Resync } from '../../client/stream/resync.js'
import { SharedFrames } from '../../client/tabs/shared_frames.js'
import { Tabs } from '../../client/tabs/tabs.js'
import { chance } from './chance.js'
import { Server } from './model_server.js'

/** @typedef {import('../../client/stream/commands.js').Command} Command */
/** @typedef {import('../../client/tabs/tab_channel.js').Message} Message */

const SEEDS = 40
const STEP_MS = 100
const HEARTBEAT_MS = 15_000

/** The things that a browser's tabs share: the server, and the channel. */
class Browser {
  tabs = /** @type {Tab[]} */ ([])
  now = 0
  trouble = 0 // the chance that a message, or an answer, is lost
  #random
  #waiting = /** @type {{ at: number, to: Tab, message: Message }[]} */ ([])

  /**
   * @param {Server} server
   * @param {() => number} random
   */
  constructor(server, random) {
    this.server = server
    this.#random = random
  }

  get streams() {
    return this.tabs.filter((tab) => !tab.isFrozen && tab.streams).length
  }

  open() {
    const tab = new Tab(this, `${this.#random()}`, this.#random)
    this.tabs.push(tab)
    tab.start()
  }

  /**
   * @param {Tab} from
   * @param {Message} message
   */
  send(from, message) {
    for (const to of this.tabs) {
      if (to === from || !to.listens || this.#random() < this.trouble) continue
      const lateMs = this.#random() < this.trouble ? this.#random() * 5_000 : 0
      this.#waiting.push({ at: this.now + lateMs, to, message: structuredClone(message) })
    }
  }

  step() {
    this.now += STEP_MS
    const due = this.#waiting.filter(({ at, to }) => at <= this.now && !to.isFrozen)
    this.#waiting = this.#waiting.filter((one) => !due.includes(one) && one.to.listens)
    for (const { to, message } of due) to.hear(message)
    for (const tab of this.tabs) if (!tab.isFrozen) tab.step(this.now, this.trouble)
  }
}

/** A tab: it carries out commands as `connection.js` and `sharing.js` do. */
class Tab {
  indexes = /** @type {number[]} */ ([])
  isFrozen = false
  isSeen = true
  listens = false
  polls = 0
  #browser
  #id
  #random
  #machine
  #tabs
  #frames = new SharedFrames()
  #command = /** @type {Command} */ ({ do: 'wait', run: 0 })
  #heardAt = -Infinity // the last status

  /**
   * @param {Browser} browser
   * @param {string} id
   * @param {() => number} random
   */
  constructor(browser, id, random) {
    this.#browser = browser
    this.#id = id
    this.#random = random
    this.#machine = new Resync(random)
    this.#tabs = new Tabs(id, random)
  }

  get machine() {
    return this.#machine
  }

  get streams() {
    return this.#command.do === 'stream'
  }

  start() {
    this.#join()
    this.#obey(this.#machine.start(this.#browser.now))
  }

  /** @param {boolean} seen */
  look(seen) {
    this.isSeen = seen
    if (seen) this.#join()
    this.#obey(this.#machine.attention.seen(seen, this.#browser.now))
  }

  #join() {
    if (this.listens) return
    this.listens = true
    this.#tabs.reset()
    this.#browser.send(this, { kind: 'ask', id: this.#id })
  }

  /** The tab's last message: it is closed, or was hidden for long. */
  leave() {
    this.#browser.send(this, { kind: 'bye', id: this.#id })
    this.listens = false
    this.#frames.clear()
  }

  /** @param {Message} message */
  hear(message) {
    const { now } = this.#browser
    const leads = this.listens && this.#machine.leads
    if (message.kind === 'ask') this.#tabs.asked()
    else if (message.kind === 'bye') this.#tabs.left(message.id, now)
    else if (message.kind === 'lead' && this.#tabs.heard(message, leads ? this.#machine.standing.isSound(now) : null, now)) {
      this.#obey(this.#machine.otherTab.follow(true, now))
      this.#obey(this.#machine.otherTab.gotLead(message.lead, now))
    } else if (message.kind === 'frame') {
      this.#tabs.heardFrame(message.id, now)
      if (this.#machine.otherTab.awaitsShared) this.#frames.add(message.frame)
      this.#drain()
    }
    this.#settle(now)
  }

  #drain() {
    const { now } = this.#browser
    this.#frames.drain(
      (frame) => {
        if (!this.#machine.otherTab.gotShared(frame, now)) return false
        this.#apply(frame.from, frame.to)
        return true
      },
      () => this.#machine.version
    )
  }

  /** @param {number} now */
  #settle(now) {
    this.#obey(this.#machine.otherTab.follow(this.#tabs.follows(now), now))
    if (!this.listens || !this.#machine.leads) return
    const [lead, sound] = [this.#machine.standing.asLead, this.#machine.standing.isSound(now)]
    if (!this.#tabs.beats(JSON.stringify({ ...lead, version: 0, sound }), now)) return
    this.#browser.send(this, { kind: 'lead', id: this.#id, sound, lead })
  }

  /** @param {Command | null} command */
  #obey(command) {
    if (!command) return
    this.#command = command
    this.#heardAt = -Infinity
    if (command.do === 'rest') this.leave()
  }

  /**
   * @param {number} now
   * @param {number} trouble
   */
  step(now, trouble) {
    this.#obey(this.#machine.tick(now))
    this.#settle(now)
    const [command, machine, server] = [this.#command, this.#machine, this.#browser.server]
    const asks = ['info', 'image', 'stream', 'poll'].includes(command.do)
    if (asks && this.#random() < trouble / 5) return this.#obey(machine.ended(command.run, { failed: true }, now))
    if (this.#random() < 0.3) return // a slow answer
    if (command.do === 'info') this.#obey(machine.gotInfo(command.run, server, now))
    else if (command.do === 'image') this.#image(command.run, now)
    else if (command.do === 'stream' || command.do === 'poll') this.#edits(command, now)
  }

  /**
   * @param {number} run
   * @param {number} now
   */
  #image(run, now) {
    const image = this.#browser.server.snap()
    const next = this.#machine.gotImage(run, image, now)
    if (next && this.#machine.log === image.log && this.#machine.version === image.version) this.indexes = image.indexes
    this.#obey(next)
  }

  /**
   * @param {Command & { do: 'stream' | 'poll' }} command
   * @param {number} now
   */
  #edits({ do: what, run, log }, now) {
    const [machine, server] = [this.#machine, this.#browser.server]
    const from = machine.version
    if (log !== server.log || from > server.version || from < server.feedFirst) {
      return this.#obey(machine.gotReload(run, { v: server.version, log: server.log }, now))
    }
    if (server.version > from || now - this.#heardAt >= HEARTBEAT_MS || what === 'poll') {
      machine.heard(run, now)
      machine.gotStatus(run, { version: server.version, viewers: 1, writable: true })
      this.#heardAt = now
    }
    if (machine.gotFrame(run, server.version)) {
      this.#apply(from, server.version)
      const frame = { log, from, to: server.version, edits: new Uint16Array() }
      if (this.listens && machine.leads) this.#browser.send(this, { kind: 'frame', id: this.#id, frame })
      this.#drain()
    }
    if (what === 'poll') {
      this.polls += 1
      this.#obey(machine.ended(run, {}, now))
    }
  }

  /**
   * The tab's log is the server's; or the edits are of a log that is gone, and can't be compared with anything.
   *
   * @param {number} from
   * @param {number} to
   */
  #apply(from, to) {
    const { server } = this.#browser
    if (this.#machine.log !== server.log) return
    for (const [pixel, color] of server.edits.slice(from - 1, to - 1)) this.indexes[pixel] = color
  }
}

/**
 * Something happens to a tab, or to the server.
 *
 * @param {Browser} browser
 * @param {() => number} random
 */
function shake(browser, random) {
  const tab = browser.tabs[Math.floor(random() * browser.tabs.length)]
  const what = random()
  if (what < 0.4) browser.server.edit()
  else if (what < 0.5 && browser.tabs.length < 8) browser.open()
  else if (what < 0.55 && browser.tabs.length > 2) browser.tabs = browser.tabs.filter((one) => one !== tab) // in silence
  else if (what < 0.6 && browser.tabs.length > 2) {
    if (!tab.isFrozen) tab.leave()
    browser.tabs = browser.tabs.filter((one) => one !== tab)
  } else if (what < 0.7) tab.isFrozen = !tab.isFrozen
  else if (what < 0.85) tab.isFrozen || tab.look(!tab.isSeen)
  else if (what < 0.87) browser.server.feedFirst = browser.server.version
  else if (what < 0.88) {
    browser.server.log += 'x'
    browser.server.edits = []
    browser.server.feedFirst = 1
  }
}

/** @param {Browser} browser */
function assertInOrder(browser) {
  for (const { machine, indexes, isFrozen } of browser.tabs) {
    if (machine.log !== browser.server.log || isFrozen) continue
    assert.deepEqual(indexes, browser.server.canvasAt(machine.version))
  }
}

test('whatever happens to tabs and their messages, those that are seen end live, equal to the server, with one stream', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = chance(seed)
    const browser = new Browser(new Server(random), random)
    for (let i = 0; i < 4; i++) browser.open()
    browser.trouble = 0.2
    for (let i = 0; i < 900; i++) {
      if (random() < 0.1) shake(browser, random)
      browser.step()
      assertInOrder(browser)
    }
    browser.trouble = 0
    for (const tab of browser.tabs) {
      if (tab.isFrozen) tab.isFrozen = false
      tab.look(tab === browser.tabs[0] || random() < 0.7)
    }
    browser.server.edit() // only then can a version of a server that was set back be told from ours
    for (let i = 0; i < 900; i++) {
      if (i < 600 && random() < 0.1) browser.server.edit()
      browser.step()
      assertInOrder(browser)
    }
    for (const { machine, isSeen } of browser.tabs) {
      const told = `seed ${seed}: ${JSON.stringify({ ...machine.standing.asLead, seen: isSeen, server: browser.server.version })}`
      assert.equal(machine.standing.connection === 'live', isSeen, told)
      if (isSeen) assert.equal(machine.version, browser.server.version, told)
    }
    assert.equal(browser.streams, 1, `seed ${seed}`)
  }
})

test('when the tab with the stream dies without a word, the others are live again with one stream in five seconds', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = chance(seed)
    const browser = new Browser(new Server(random), random)
    for (let i = 0; i < 6; i++) browser.open()
    const pass = (/** @type {number} */ ms) => {
      for (let i = 0; i < ms / STEP_MS; i++) browser.step()
    }
    pass(10_000)
    assert.equal(browser.streams, 1, `seed ${seed}`)
    browser.tabs = browser.tabs.filter((tab) => !tab.streams)
    browser.server.edit()
    pass(5_000)
    assert.equal(browser.streams, 1, `seed ${seed}`)
    for (const { machine } of browser.tabs) assert.deepEqual([machine.standing.connection, machine.version], ['live', 2])
  }
})

test('tabs that are live ask the server for nothing but the one stream', () => {
  const random = chance(1)
  const browser = new Browser(new Server(random), random)
  for (let i = 0; i < 6; i++) browser.open()
  for (let i = 0; i < 100; i++) browser.step()
  const polls = () => browser.tabs.reduce((sum, tab) => sum + tab.polls, 0)
  const before = polls()
  for (let i = 0; i < 3_000; i++) {
    if (random() < 0.3) browser.server.edit()
    browser.step()
  }
  assert.equal(browser.streams, 1)
  assert.equal(polls(), before)
})
