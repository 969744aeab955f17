/**
 * The canvas at a moment of the past, and the loading for the next moment.
 *
 *     image at a moment ──► canvas ── edits after it, in stretches ──► played forwards
 *                              └───── the stretch before it, and the image at its start ──► played backwards
 *
 * Three ways to a moment, the cheapest first: edits that are here already; the next stretch, if the film plays slowly enough
 * to show all its edits; otherwise an image. It loads one thing at a time, and a film that leaps from image to image shows
 * as many as come. It uses a clock only to measure how long images take. Moments are ms since the epoch.
 */

import { Stretch } from './stretch.js'

/** @typedef {import('../canvas/canvas.js').Canvas} Canvas */

/**
 * @typedef {object} Source
 * @property {(at: { moment: number } | { version: number }, signal: AbortSignal) => Promise<{ canvas: Canvas, version: number }>} image
 * @property {(from: number, to: number, signal: AbortSignal) => Promise<import('./stretch.js').Edits>} edits
 *   of the versions from <= v < to; it may end before `to`
 */

/** @typedef {{ version: number, time: number }} Grown  the canvas is larger from this version on, since this moment */

/**
 * How the film goes on from a moment.
 * @typedef {object} Way
 * @property {number} speed  ms of the past in a ms, below zero backwards; 0: it stands still
 * @property {number} density  edits in a ms of the past, here
 * @property {number} now  ms of a clock that doesn't jump
 */

/** Beyond this many edits a second the film shows images, which are fewer bytes. */
const MOST_PLAYED_A_SECOND = 100_000
const LEAST_VERSIONS = 1_024 // the least of a stretch, so that a slow film asks seldom
const MOST_VERSIONS = 32_768
const AHEAD_MS = 2_000 // of the film are in a stretch
const MOST_STRETCHES = 24 // some 14 bytes an edit: 11 MB at most
const AGAIN_MS = 1_000 // after a request that failed
const MOST_WAIT_MS = 60_000

export class Reel {
  /** The shown canvas; another object after each leap. */
  canvas = /** @type {Canvas | null} */ (null)
  #source
  #failed
  #bounds = { first: 0, version: 0, grown: /** @type {Grown[]} */ ([]) }
  #stretches = /** @type {Stretch[]} */ ([])
  #index = 0 // of the stretch that the canvas is in
  #version = 0 // of the canvas while there is no stretch
  #shown = NaN
  #task = /** @type {AbortController | null} */ (null)
  #arrived = /** @type {(() => void) | null} */ (null) // puts the loaded part in its place
  #againAt = -Infinity
  #imageMs = 100 // how long an image takes, lately

  /**
   * @param {Source} source
   * @param {(error: unknown) => number} failed  something could not be loaded; how many ms the server asked to wait
   */
  constructor(source, failed) {
    this.#source = source
    this.#failed = failed
  }

  /** The version of the canvas that is shown. */
  get version() {
    return this.#stretches.length ? this.#stretches[this.#index].version : this.#version
  }

  /**
   * Set the bounds of the history.
   * @param {object} bounds
   * @param {number} bounds.first  the first version that has an image
   * @param {number} bounds.version  the last one
   * @param {Grown[]} bounds.grown
   */
  reaches(bounds) {
    this.#bounds = bounds
  }

  /**
   * Show a moment, as far as the loaded parts allow, and load the parts for it and for the next ones.
   *
   * @param {number} moment
   * @param {Way} way
   * @returns {boolean}  whether the canvas is that of the end of this ms
   */
  show(moment, way) {
    moment = Math.floor(moment)
    this.#arrived?.()
    this.#arrived = null
    const isRight = this.canvas !== null && this.#reach(moment)
    if (!this.#task && way.now >= this.#againAt) this.#loadFor(moment, way, isRight)
    return isRight
  }

  /** Whether a film at this speed goes from image to image. */
  static leaps(/** @type {Pick<Way, 'speed' | 'density'>} */ { speed, density }) {
    return Math.abs(speed) * density * 1_000 > MOST_PLAYED_A_SECOND
  }

  /** Forget everything, and stop loading. */
  clear() {
    this.#task?.abort()
    this.#task = null
    this.#arrived = null
    this.canvas = null
    this.#stretches = []
    this.#shown = NaN
  }

  /**
   * @param {number} moment
   * @returns {boolean} whether the canvas is right
   */
  #reach(moment) {
    const [canvas, stretches] = [/** @type {Canvas} */ (this.canvas), this.#stretches]
    const forwards = !(moment < this.#shown)
    if (moment === this.#shown) return true
    if (!stretches.length) return false
    for (;;) {
      const stretch = stretches[this.#index]
      stretch.show(moment, canvas)
      if (forwards && stretch.isDone && this.#index < stretches.length - 1) this.#index++
      else if (!forwards && stretch.isUntouched && this.#index > 0) this.#index--
      else break
    }
    const stretch = stretches[this.#index]
    // At a stretch's end the next edit decides, and it isn't here; unless there is none.
    const isRight = forwards
      ? !stretch.isDone || stretch.to >= this.#bounds.version || moment < (this.#grownAt(stretch.to)?.time ?? -Infinity)
      : !stretch.isUntouched || stretch.from <= this.#bounds.first || moment >= (this.#grownAt(stretch.from)?.time ?? Infinity)
    if (isRight) this.#shown = moment
    return isRight
  }

  /**
   * @param {number} moment
   * @param {Way} way
   * @param {boolean} isRight
   */
  #loadFor(moment, way, isRight) {
    if (this.canvas && way.speed && !Reel.leaps(way)) {
      if (way.speed > 0 && this.#needsNext(moment)) return this.#loadNext(way)
      if (way.speed < 0 && this.#needsPrevious(moment)) return this.#loadPrevious(way)
      if (isRight) return
    }
    if (!isRight) this.#loadImage(moment, way)
  }

  /** @param {number} version */
  #grownAt(version) {
    return this.#bounds.grown.find((grown) => grown.version === version)
  }

  /** @param {number} moment */
  #needsNext(moment) {
    const last = this.#stretches.at(-1)
    if (!last) return this.#version < this.#bounds.version
    const isNear = this.#index === this.#stretches.length - 1
    return isNear && last.to < this.#bounds.version && moment >= (this.#grownAt(last.to)?.time ?? -Infinity)
  }

  /** @param {number} moment */
  #needsPrevious(moment) {
    const from = this.#stretches[0]?.from ?? this.#version
    return this.#index === 0 && from > this.#bounds.first && moment < (this.#grownAt(from)?.time ?? Infinity)
  }

  /** @param {Way} way */
  #loadNext(way) {
    const last = this.#stretches.at(-1)
    const from = last?.to ?? this.#version
    const { version, grown } = this.#bounds
    if (last && this.#grownAt(from)) return this.#loadVersion(from, way)
    const size = versionsFor(way)
    const to = Math.min(version, (Math.floor(from / size) + 1) * size, ...grown.map((one) => one.version).filter((one) => one > from))
    this.#load(way, async (signal) => {
      const stretch = new Stretch(await this.#source.edits(from, to, signal), last?.end ?? -Infinity)
      return () => {
        this.#stretches.push(stretch)
        if (this.#stretches.length <= MOST_STRETCHES) return
        this.#stretches.shift()
        this.#index = Math.max(0, this.#index - 1)
      }
    })
  }

  /** @param {Way} way */
  #loadPrevious(way) {
    const to = this.#stretches[0]?.from ?? this.#version
    const { first, grown } = this.#bounds
    if (this.#grownAt(to)) return this.#loadVersion(to - 1, way)
    const size = versionsFor(way)
    const from = Math.max(first, Math.floor((to - 1) / size) * size, ...grown.map((one) => one.version).filter((one) => one < to))
    this.#load(way, async (signal) => {
      const { canvas } = await this.#source.image({ version: from }, signal)
      const stretches = /** @type {Stretch[]} */ ([])
      for (let at = from; at < to; at = stretches[stretches.length - 1].to) {
        const stretch = new Stretch(await this.#source.edits(at, to, signal), stretches.at(-1)?.end ?? -Infinity)
        if (stretch.to <= at) throw new Error(`the history's edits from ${at} on don't go on`)
        stretch.show(Infinity, canvas) // as on the shown canvas, which has it already
        stretches.push(stretch)
      }
      return () => {
        const isFirst = !this.#stretches.length
        this.#stretches = [...stretches, ...this.#stretches].slice(0, MOST_STRETCHES)
        this.#index = isFirst ? stretches.length - 1 : this.#index + stretches.length
      }
    })
  }

  /**
   * Go on from the place where the canvas grew: no edit says so.
   *
   * @param {number} version
   * @param {Way} way
   */
  #loadVersion(version, way) {
    this.#load(way, async (signal) => {
      const { canvas } = await this.#source.image({ version }, signal)
      return () => this.#begin(canvas, version)
    })
  }

  /**
   * @param {number} moment
   * @param {Way} way
   */
  #loadImage(moment, way) {
    // A film goes on while its image is on the way: ask for the moment at which the image will arrive.
    const asked = Math.floor(Reel.leaps(way) ? moment + way.speed * this.#imageMs : moment)
    const began = performance.now()
    this.#load(way, async (signal) => {
      const { canvas, version } = await this.#source.image({ moment: asked }, signal)
      this.#imageMs += (performance.now() - began - this.#imageMs) / 4
      return () => {
        this.#begin(canvas, version)
        this.#shown = asked
      }
    })
  }

  /**
   * @param {Canvas} canvas
   * @param {number} version
   */
  #begin(canvas, version) {
    this.canvas = canvas
    this.#stretches = []
    this.#index = 0
    this.#version = version
  }

  /**
   * @param {Way} way
   * @param {(signal: AbortSignal) => Promise<() => void>} load  returns a function that puts the result in its place
   */
  async #load(way, load) {
    const task = new AbortController()
    this.#task = task
    try {
      const arrived = await load(task.signal)
      if (this.#task === task) this.#arrived = arrived
    } catch (error) {
      if (this.#task === task) this.#againAt = way.now + Math.min(MOST_WAIT_MS, Math.max(AGAIN_MS, this.#failed(error)))
    } finally {
      if (this.#task === task) this.#task = null
    }
  }
}

/**
 * How many versions a stretch has: a power of two, so that people who watch the same film ask for the same stretches, and
 * caches have them.
 *
 * @param {Way} way
 */
function versionsFor({ speed, density }) {
  const wanted = Math.abs(speed) * density * AHEAD_MS
  return Math.min(MOST_VERSIONS, Math.max(LEAST_VERSIONS, 2 ** Math.ceil(Math.log2(wanted || 1))))
}
