/**
 * Carries out what `resync.js` decides: requests, the stream, and handing what arrives to the page. It holds no state
 * of its own but the running request.
 *
 * The stream is read with fetch, not EventSource; `sse.js` says why.
 */

import { bytesOfBase64, unpackEdits } from './edit_code.js'
import { parseInfo } from './info.js'
import { decodeIndexedPng } from './png.js'
import { SseParser } from './sse.js'

/** @typedef {import('./info.js').Info} Info */
/** @typedef {import('./resync.js').Command} Command */

/**
 * After what has arrived was read, more is left to gather for this long: hundreds of frames a second, each read by itself,
 * cost the main thread about as much as drawing them. One that comes when it is quiet isn't kept waiting.
 */
const READ_MS = 110

/**
 * What the page does with what arrives.
 * @typedef {object} Page
 * @property {(info: Info) => void} gotInfo
 * @property {(image: { info: Info, indexes: Uint8Array, log: string, version: number }) => void} gotImage
 * @property {(edits: Uint16Array, version: number) => void} gotEdits  the canvas is at `version` after them
 * @property {(status: import('./resync.js').Status) => void} gotStatus  how the server stands
 * @property {() => void} changed  the connection's state may be another one
 */

/** An answer that can't be used; `retryAfterMs` as the server asked, 0 if it didn't. */
class Refused extends Error {
  /**
   * @param {string} message
   * @param {number} [retryAfterMs]
   */
  constructor(message, retryAfterMs = 0) {
    super(message)
    this.retryAfterMs = retryAfterMs
  }
}

export class Connection {
  #resync
  #page
  #abort = new AbortController()
  #info = /** @type {Info | null} */ (null)

  /**
   * @param {import('./resync.js').Resync} resync
   * @param {Page} page
   */
  constructor(resync, page) {
    this.#resync = resync
    this.#page = page
  }

  /** Begin, and take notice of what the browser knows about sleep and the network. Once. */
  start() {
    this.#look()
    this.#obey(this.#resync.start(Date.now()))
    addEventListener('offline', () => this.#network(false))
    addEventListener('online', () => {
      this.#network(false) // that event may have been missed
      this.#network(true)
    })
    document.addEventListener('visibilitychange', () => this.#look())
    document.addEventListener('resume', () => this.#wake()) // thawed
    addEventListener('pageshow', (event) => event.persisted && this.#wake())
    this.#watchLink()
  }

  /** What the browser says, be it that an event of it was missed in sleep. */
  #look() {
    this.#network(navigator.onLine)
    this.#obey(this.#resync.seen(!document.hidden, Date.now()))
  }

  /** @param {boolean} online */
  #network(online) {
    this.#obey(this.#resync.network(online, Date.now()))
    this.#page.changed()
  }

  #wake() {
    this.#look()
    this.#obey(this.#resync.wake(Date.now()))
  }

  /** From Wi-Fi to the phone's network: only some browsers tell, and all tell of every change of speed, too. */
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
    this.#obey(this.#resync.network(navigator.onLine, Date.now()))
    this.#obey(this.#resync.tick(Date.now()))
  }

  /** Try now: somebody asked, or the stream is in doubt. */
  probe() {
    this.#obey(this.#resync.probe(Date.now()))
  }

  /** @param {Command | null} command */
  #obey(command) {
    if (!command) return
    this.#abort.abort()
    this.#abort = new AbortController()
    void this.#carryOut(command, this.#abort.signal)
    this.#page.changed()
  }

  /**
   * @param {Command} command
   * @param {AbortSignal} signal
   */
  async #carryOut(command, signal) {
    try {
      if (command.do === 'info') await this.#loadInfo(command.run, signal)
      else if (command.do === 'image') await this.#loadImage(command, signal)
      else if (command.do === 'stream') await this.#follow(command, signal)
    } catch (error) {
      if (signal.aborted) return
      const refused = error instanceof Refused
      // A TypeError is fetch's word for a network that failed: that is what back-off is for, not news.
      const failed = error instanceof TypeError
      if (!failed) console.warn(`placed: ${command.do}: ${error}`)
      const how = { refused, failed, retryAfterMs: refused ? error.retryAfterMs : 0 }
      this.#obey(this.#resync.ended(command.run, how, Date.now()))
    }
  }

  /**
   * @param {number} run
   * @param {AbortSignal} signal
   */
  async #loadInfo(run, signal) {
    const response = await request('info', { cache: 'no-store', signal })
    const info = parseInfo(await response.json())
    if (signal.aborted) return
    this.#info = info
    this.#page.gotInfo(info)
    this.#obey(this.#resync.gotInfo(run, info, Date.now()))
  }

  /**
   * @param {{ run: number, query: string }} command
   * @param {AbortSignal} signal
   */
  async #loadImage({ run, query }, signal) {
    const info = /** @type {Info} */ (this.#info)
    const response = await request(`canvas.png${query}`, { cache: query ? 'reload' : 'default', signal })
    const { width, height, indexes, texts } = await decodeIndexedPng(new Uint8Array(await response.arrayBuffer()))
    if (signal.aborted) return
    // The file's own words first: they can't be parted from the pixels, as headers can on the way.
    const version = Number(texts.get('placed:version') ?? response.headers.get('X-Canvas-Version') ?? NaN)
    const log = texts.get('placed:log') ?? response.headers.get('X-Canvas-Log') ?? ''
    if (!Number.isSafeInteger(version) || !log) throw new Refused('the image does not tell its version and log')
    if (log === info.log && (width !== info.width || height !== info.height)) {
      throw new Refused(`the image is ${width} x ${height}, the canvas ${info.width} x ${info.height}`)
    }
    const command = this.#resync.gotImage(run, { log, version }, Date.now())
    if (command?.do === 'stream') this.#page.gotImage({ info, indexes, log, version })
    this.#obey(command)
  }

  /**
   * @param {{ run: number, version: number, log: string }} command
   * @param {AbortSignal} signal
   */
  async #follow({ run, version, log }, signal) {
    const response = await request(`edits?v=${version}&log=${encodeURIComponent(log)}`, {
      headers: { Accept: 'text/event-stream' },
      cache: 'no-store',
      signal
    })
    if (!response.body) throw new Refused('the stream has no body')
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    const parser = new SseParser()
    for (;;) {
      const { done, value } = await reader.read()
      if (signal.aborted) return
      if (done) break
      const before = this.#resync.connection
      this.#resync.heard(run, Date.now())
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        if (event.type === 'reload') return this.#reload(run, event.data)
        if (event.type === 'message') this.#frame(run, event)
        if (event.type === 'status') this.#status(run, event.data)
      }
      if (parser.retryMs !== null) this.#resync.gotRetry(parser.retryMs)
      if (this.#resync.connection !== before) this.#page.changed()
      if (!document.hidden) await new Promise((resume) => setTimeout(resume, READ_MS)) // hidden, timers take minutes
    }
    this.#obey(this.#resync.ended(run, {}, Date.now()))
  }

  /**
   * @param {number} run
   * @param {{ id: string, data: string }} event
   */
  #frame(run, { id, data }) {
    if (!/^[0-9]{1,16}$/.test(id)) throw new Refused(`a frame with the version ${JSON.stringify(id)}`)
    const version = Number(id)
    const info = /** @type {Info} */ (this.#info)
    let edits
    try {
      edits = unpackEdits(info.editCode, bytesOfBase64(data))
    } catch (error) {
      console.warn(`placed: the frame of version ${version}: ${error}`)
      // Asking for the same frame again could go on for ever; an image doesn't need it.
      return this.#obey(this.#resync.gotReload(run, { v: version, log: info.log }, Date.now()))
    }
    if (this.#resync.gotFrame(run, version)) this.#page.gotEdits(edits, version)
  }

  /**
   * @param {number} run
   * @param {string} data
   */
  #status(run, data) {
    const { v: version, viewers, writable } = parsed(data)
    if (!isCount(version) || !isCount(viewers) || typeof writable !== 'boolean') {
      return console.warn(`placed: a status that isn't one: ${data.slice(0, 200)}`)
    }
    const status = { version, viewers, writable }
    if (this.#resync.gotStatus(run, status)) this.#page.gotStatus(status)
  }

  /**
   * @param {number} run
   * @param {string} data
   */
  #reload(run, data) {
    // Whatever it wanted to say, it means reload; without a log named, info is asked first.
    const { v, log } = parsed(data)
    const reload = { v: Number.isSafeInteger(v) ? v : 0, log: String(log) }
    this.#obey(this.#resync.gotReload(run, reload, Date.now()))
  }
}

/**
 * The members of a JSON object; none if it isn't one.
 *
 * @param {string} json
 * @returns {any}
 */
function parsed(json) {
  try {
    return Object(JSON.parse(json))
  } catch {
    return {}
  }
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

/**
 * @param {string} address
 * @param {RequestInit} options
 * @returns {Promise<Response>}
 * @throws {Refused} the status is not 200
 */
async function request(address, options) {
  const response = await fetch(address, options)
  if (response.status === 200) return response
  const seconds = Number(response.headers.get('Retry-After') ?? 0)
  throw new Refused(`${address} answered ${response.status}`, Number.isFinite(seconds) ? seconds * 1000 : 0)
}
