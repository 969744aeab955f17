/**
 * A server without a network: a log of edits, the canvas at each version of it, and the images that caches may still hold.
 */

export const PIXELS = 8

/** A log of edits; the canvas at version v has the first v - 1. Each edit is [pixel, color]. */
export class Server {
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
    for (let i = 0; i < version - 1; i++) indexes[this.edits[i][0]] = this.edits[i][1]
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
