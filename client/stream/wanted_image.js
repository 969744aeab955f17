/**
 * The image that the page wants: its log, its least version, and whether nothing else will do. Pure; imports nothing.
 */

export class WantedImage {
  /** The log that info named: an image of another log is useless. */
  log = ''

  #query = ''
  #isReload = false

  /** The query that gets round caches; '' is the usual address. */
  get query() {
    return this.#query
  }

  /** Whether the server said reload: no stream is opened before there is a new image. */
  get isReload() {
    return this.#isReload
  }

  /**
   * An image of this version or later is wanted.
   *
   * @param {number} version
   * @param {number | null} [attempt]  another number makes another address, which no cache has
   */
  from(version, attempt = null) {
    this.#query = attempt === null ? `?v=${version}` : `?v=${version}&try=${attempt}`
  }

  /**
   * The server can't go on from our version.
   *
   * @param {number} version  the server's
   * @param {number} attempt
   */
  reload(version, attempt) {
    this.#isReload = true
    this.from(version, attempt)
  }

  /** The image has come. */
  loaded() {
    this.#isReload = false
    this.#query = ''
  }
}
