/**
 * The text/event-stream format (WHATWG HTML, 'Server-sent events'), as a parser without I/O.
 *
 * Why not the browser's EventSource: it hides comments, so a dead connection can't be told from a quiet canvas; it
 * reconnects by itself, all pages at the same pace and with the version that was just refused; and it doesn't show the
 * status and Retry-After of a refusal. `connection.js` reads the stream with fetch, and gives its text to this parser.
 *
 * Pure; imports nothing.
 */

/**
 * @typedef {object} SseEvent
 * @property {string} type  'message' unless the server named it
 * @property {string} data
 * @property {string} id  the last id seen, '' before the first
 */

/** An event is refused past this many characters: about twelve million edits, far beyond any catch-up frame. */
const MAX_EVENT_CHARS = 64 * 1024 * 1024

export class SseParser {
  /** The reconnection time that the server asked for last, in milliseconds; null if it never did. */
  retryMs = /** @type {number | null} */ (null)

  #rest = '' // the line that has not ended yet
  #afterCr = false // the last character was CR, so an LF that follows belongs to it
  #started = false
  #data = /** @type {string[]} */ ([])
  #dataChars = 0
  #type = ''
  #id = ''

  /**
   * Take the next piece of text and return the events that it completes. A piece may end anywhere.
   *
   * @param {string} text
   * @returns {SseEvent[]}
   * @throws {RangeError} one event has grown past any sensible size
   */
  push(text) {
    /** @type {SseEvent[]} */
    const events = []
    if (!text) return events
    if (!this.#started) {
      this.#started = true
      if (text.startsWith('\ufeff')) text = text.slice(1)
    }
    if (this.#afterCr && text.startsWith('\n')) text = text.slice(1)
    this.#afterCr = text.endsWith('\r')
    const lines = text.split(/\r\n|\r|\n/)
    lines[0] = this.#rest + lines[0]
    this.#rest = /** @type {string} */ (lines.pop())
    for (const line of lines) {
      const event = this.#line(line)
      if (event) events.push(event)
    }
    if (this.#rest.length + this.#dataChars > MAX_EVENT_CHARS) {
      throw new RangeError(`an event of more than ${MAX_EVENT_CHARS} characters`)
    }
    return events
  }

  /** @param {string} line */
  #line(line) {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return null
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (name === 'data') {
      this.#data.push(value)
      this.#dataChars += value.length
    } else if (name === 'event') this.#type = value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'retry' && /^[0-9]{1,9}$/.test(value)) this.retryMs = Number(value)
    return null
  }

  #dispatch() {
    const event = this.#data.length
      ? { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id }
      : null
    this.#data = []
    this.#dataChars = 0
    this.#type = ''
    return event
  }
}
