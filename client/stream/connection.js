/**
 * Carries out the commands of `resync.js`: sends requests, reads the stream, and hands the results to the page. It holds no
 * state of its own except the running request.
 */

import { loadCanvas } from './canvas_image.js'
import { EditEvents } from './edit_events.js'
import { parseInfo } from './info.js'
import { Refused, request } from './requests.js'
import { Sharing } from '../tabs/sharing.js'

/** @typedef {import('./info.js').Info} Info */
/** @typedef {import('./commands.js').Command} Command */
/** @typedef {import('../painting/cooldown.js').Standing} Standing */

const CHARGES_MS = 3_000 // between two requests for the charges that are left

/**
 * The page's handlers for arriving data.
 * @typedef {object} Page
 * @property {(info: Info, askedAt: number) => void} gotInfo
 * @property {(standing: Standing) => void} gotCharges  another tab has painted
 * @property {(image: { info: Info, indexes: Uint8Array, log: string, version: number }) => void} gotImage
 * @property {(edits: Uint16Array, version: number) => void} gotEdits  the canvas is at `version` after them
 * @property {(status: import('./commands.js').Status) => void} gotStatus  the server's state
 * @property {() => void} changed  the connection's state may have changed
 */

export class Connection {
  #resync
  #page
  #sharing
  #abort = new AbortController()
  #info = /** @type {Info | null} */ (null)
  #owesCharges = false // the charges on the page may be wrong
  #chargesAt = 0

  /**
   * @param {import('./resync.js').Resync} resync
   * @param {Page} page
   */
  constructor(resync, page) {
    this.#resync = resync
    this.#page = page
    this.#sharing = new Sharing(resync, page, (command) => this.#obey(command))
  }

  /** Begin, and listen to the browser's reports about sleep and the network. Once. */
  start() {
    this.#look()
    this.#obey(this.#resync.start(Date.now()))
    addEventListener('offline', () => this.#network(false))
    addEventListener('online', () => {
      this.#network(false) // that event may have been missed
      this.#network(true)
    })
    document.addEventListener('visibilitychange', () => this.#look())
    document.addEventListener('freeze', () => this.#obey(this.#resync.attention.freeze(Date.now())))
    document.addEventListener('resume', () => this.#wake()) // thawed
    addEventListener('pagehide', () => this.#obey(this.#resync.attention.freeze(Date.now())))
    addEventListener('pageshow', (event) => event.persisted && this.#wake())
    this.#watchLink()
  }

  /** Ask the browser about the network, since sleep may have swallowed its event. */
  #look() {
    this.#network(navigator.onLine)
    if (!document.hidden) {
      this.#sharing.join()
      this.askCharges() // others behind the same address may have painted
    }
    this.#obey(this.#resync.attention.seen(!document.hidden, Date.now()))
  }

  /** @param {boolean} online */
  #network(online) {
    this.#obey(this.#resync.attention.network(online, Date.now()))
    this.#page.changed()
  }

  #wake() {
    this.#look()
    this.#obey(this.#resync.attention.wake(Date.now()))
  }

  /** From Wi-Fi to the phone's network: only some browsers report it, and they also report every change of speed. */
  #watchLink() {
    const { connection } = /** @type {{ connection?: EventTarget & { type?: string } }} */ (navigator)
    let type = connection?.type
    connection?.addEventListener?.('change', () => {
      if (connection.type !== type) this.#wake()
      type = connection.type
    })
  }

  /** Time passes; call this a few times a second. */
  tick() {
    const now = Date.now()
    this.#obey(this.#resync.attention.network(navigator.onLine, now))
    this.#obey(this.#resync.tick(now))
    this.#sharing.tick(now)
    if (this.#owesCharges && Math.abs(now - this.#chargesAt) > CHARGES_MS) void this.#loadCharges(now)
  }

  /** Try now: a person asked, or the stream is in doubt. */
  probe() {
    this.#obey(this.#resync.attention.probe(Date.now()))
  }

  /** The charges on the page may be wrong: ask for them, when the page can reach the server. */
  askCharges() {
    this.#owesCharges = true
  }

  /**
   * An edit was answered: all tabs of the browser spend the same charges.
   * @param {Standing} standing
   */
  tellCharges(standing) {
    this.#sharing.tellCharges(standing)
  }

  /** @param {Command | null} command */
  #obey(command) {
    if (!command) return
    this.#abort.abort()
    this.#abort = new AbortController()
    void this.#carryOut(command, this.#abort.signal)
    if (command.do === 'rest') this.#sharing.leave()
    this.#sharing.tick(Date.now())
    this.#page.changed()
  }

  /**
   * @param {Command} command
   * @param {AbortSignal} signal
   */
  async #carryOut(command, signal) {
    try {
      const isLong = command.do === 'stream' || (command.do === 'poll' && command.waitSeconds > 0)
      if (isLong) await this.#load(command, signal)
      else if ('version' in command || command.do === 'info' || command.do === 'image') {
        await this.#sharing.inTurn(signal, (turn) => this.#load(command, turn))
      }
    } catch (error) {
      if (signal.aborted) return
      const refused = error instanceof Refused
      // fetch throws a TypeError when the network failed: back-off handles that, and it is no news.
      const failed = error instanceof TypeError
      if (!failed) console.warn(`placed: ${command.do}: ${error}`)
      const how = refused ? { refused: error.refusal, retryAfterMs: error.retryAfterMs } : { failed }
      this.#obey(this.#resync.ended(command.run, how, Date.now()))
    }
  }

  /**
   * @param {Command} command
   * @param {AbortSignal} signal
   */
  async #load(command, signal) {
    if (command.do === 'info') await this.#loadInfo(command.run, signal)
    else if (command.do === 'image') await this.#loadImage(command, signal)
    else if (command.do === 'stream' || command.do === 'poll') await this.#loadEdits(command, signal)
  }

  /**
   * @param {number} run
   * @param {AbortSignal} signal
   */
  async #loadInfo(run, signal) {
    const askedAt = Date.now()
    const response = await request('info', { cache: 'no-store', signal })
    const info = parseInfo(await response.json(), response.headers.get('Date'), Date.now())
    if (signal.aborted) return
    this.#info = info
    this.#gotInfo(info, askedAt)
    this.#obey(this.#resync.gotInfo(run, info, Date.now()))
  }

  /**
   * @param {Info} info
   * @param {number} askedAt
   */
  #gotInfo(info, askedAt) {
    this.#owesCharges = false
    this.#chargesAt = Date.now()
    this.#page.gotInfo(info, askedAt)
  }

  /** @param {number} now */
  async #loadCharges(now) {
    if (!['live', 'read-only'].includes(this.#resync.standing.connection)) return // else the page asks anyway, or cannot ask
    this.#chargesAt = now
    try {
      await this.#sharing.inTurn(AbortSignal.timeout(CHARGES_MS), async (signal) => {
        const response = await request('info', { cache: 'no-store', signal })
        this.#gotInfo(parseInfo(await response.json(), response.headers.get('Date'), Date.now()), now)
      })
    } catch {
      // Another time.
    }
  }

  /**
   * @param {{ run: number, query: string }} command
   * @param {AbortSignal} signal
   */
  async #loadImage({ run, query }, signal) {
    const info = /** @type {Info} */ (this.#info)
    const get = (/** @type {string} */ address, /** @type {RequestInit} */ options) => request(address, { ...options, signal })
    const { indexes, version, log } = await loadCanvas(get, info, query)
    if (signal.aborted) return
    const command = this.#resync.gotImage(run, { log, version }, Date.now())
    if (command && this.#resync.log === log && this.#resync.version === version) {
      this.#page.gotImage({ info, indexes, log, version })
    }
    this.#obey(command)
  }

  /**
   * @param {Command & { do: 'stream' | 'poll' }} command
   * @param {AbortSignal} signal
   */
  async #loadEdits(command, signal) {
    const query = new URLSearchParams({ v: String(command.version), log: command.log })
    if (command.do === 'poll') query.set('wait', String(command.waitSeconds))
    const response = await request(`edits?${query}`, { headers: { Accept: 'text/event-stream' }, cache: 'no-store', signal })
    const page = { ...this.#page, read: (/** @type {import('../tabs/shared_frames.js').Frame} */ frame) => this.#read(frame) }
    const events = new EditEvents(this.#resync, page, /** @type {Info} */ (this.#info), command.run)
    this.#obey(await events.readAll(response, { signal, ends: command.do === 'poll' }))
  }

  /** @param {import('../tabs/shared_frames.js').Frame} frame */
  #read(frame) {
    this.#sharing.pass(frame)
    this.#sharing.drain()
  }
}
