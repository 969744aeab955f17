/**
 * Reads the answer to `GET /edits`, an endless stream or a poll's answer, and hands its events on.
 *
 * It uses fetch, not EventSource; `sse.js` says why.
 */

import { bytesOfBase64, unpackEdits } from '../canvas/edit_code.js'
import { Refused } from './requests.js'
import { SseParser } from './sse.js'

/** @typedef {import('./commands.js').Command} Command */

/**
 * After each reading, data gathers for this long: hundreds of frames a second, each read by itself, cost the main thread
 * about as much as drawing them. A frame that comes when it is quiet doesn't wait.
 */
const READ_MS = 110

/**
 * @typedef {object} Page
 * @property {(edits: Uint16Array, version: number) => void} gotEdits  the canvas is at `version` after them
 * @property {(status: import('./commands.js').Status) => void} gotStatus  how the server stands
 * @property {(frame: import('../tabs/shared_frames.js').Frame) => void} read  all edits of one reading
 * @property {() => void} changed  the connection's state may be another one
 */

export class EditEvents {
  #resync
  #page
  #info
  #run
  #edits = /** @type {Uint16Array[]} */ ([]) // of this reading

  /**
   * @param {import('./resync.js').Resync} resync
   * @param {Page} page
   * @param {import('./info.js').Info} info
   * @param {number} run
   */
  constructor(resync, page, info, run) {
    this.#resync = resync
    this.#page = page
    this.#info = info
    this.#run = run
  }

  /**
   * @param {Response} response
   * @param {{ signal: AbortSignal, ends: boolean }} how  `ends`: it is a poll's
   * @returns {Promise<Command | null>}  the command to run when the answer is over
   */
  async readAll(response, { signal, ends }) {
    if (!response.body) throw new Refused('the stream has no body')
    const reader = response.body.getReader()
    const decoder = new TextDecoder()
    const parser = new SseParser()
    for (;;) {
      const { done, value } = await reader.read()
      if (signal.aborted) return null
      if (done) return this.#resync.ended(this.#run, {}, Date.now())
      const before = this.#resync.standing.connection
      const command = this.#take(parser.push(decoder.decode(value, { stream: true })))
      if (command) return command
      if (parser.retryMs !== null) this.#resync.gotRetry(parser.retryMs)
      if (this.#resync.standing.connection !== before) this.#page.changed()
      if (!ends && !document.hidden) await new Promise((resume) => setTimeout(resume, READ_MS)) // hidden, timers take minutes
    }
  }

  /** @param {import('./sse.js').SseEvent[]} events */
  #take(events) {
    const from = this.#resync.version
    this.#resync.heard(this.#run, Date.now())
    for (const event of events) {
      const command = this.#event(event)
      if (command) return command
    }
    if (this.#edits.length) this.#page.read({ log: this.#info.log, from, to: this.#resync.version, edits: joined(this.#edits) })
    this.#edits = []
    return null
  }

  /** @param {import('./sse.js').SseEvent} event */
  #event(event) {
    if (event.type === 'reload') return this.#reload(event.data)
    if (event.type === 'message') return this.#frame(event)
    if (event.type === 'status') this.#status(event.data)
    return null
  }

  /** @param {{ id: string, data: string }} event */
  #frame({ id, data }) {
    if (!/^[0-9]{1,16}$/.test(id)) throw new Refused(`a frame with the version ${JSON.stringify(id)}`)
    const version = Number(id)
    let edits
    try {
      edits = unpackEdits(this.#info.editCode, bytesOfBase64(data))
    } catch (error) {
      console.warn(`placed: the frame of version ${version}: ${error}`)
      // Asking for the same frame again could go on for ever; an image avoids the frame.
      return this.#resync.gotReload(this.#run, { v: version, log: this.#info.log }, Date.now())
    }
    if (!this.#resync.gotFrame(this.#run, version)) return null
    this.#edits.push(edits)
    this.#page.gotEdits(edits, version)
    return null
  }

  /** @param {string} data */
  #status(data) {
    const { v: version, viewers, writable, gate, announcement } = parsed(data)
    if (!isCount(version) || !isCount(viewers) || typeof writable !== 'boolean') {
      return console.warn(`placed: a status that isn't one: ${data.slice(0, 200)}`)
    }
    const status = { version, viewers, writable, notices: { gate, announcement } }
    if (this.#resync.gotStatus(this.#run, status)) this.#page.gotStatus(status)
  }

  /** @param {string} data */
  #reload(data) {
    // Whatever its data is, the event means reload; if it names no log, the page asks for /info first.
    const { v, log, code } = parsed(data)
    const reload = { v: Number.isSafeInteger(v) ? v : 0, log: String(log), hasGrown: code === 'canvas' }
    return this.#resync.gotReload(this.#run, reload, Date.now())
  }
}

/** @param {Uint16Array[]} parts */
function joined(parts) {
  const whole = new Uint16Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
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
