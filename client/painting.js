/**
 * Painting: from a wish to an edit and what became of it. The own pixel is drawn at once (`own_pixels.js`), posted, and
 * then kept, taken back or left in doubt, as the server and the stream say.
 */

import { duration } from './duration.js'
import { History } from './history.js'
import { t } from './language.js'
import { OwnPixels } from './own_pixels.js'
import { postEdit } from './posting.js'
import { whyRefused } from './refusals.js'

/** @typedef {{ x: number, y: number }} Pixel */

/**
 * What painting needs of the page.
 * @typedef {object} Page
 * @property {() => import('./canvas.js').Canvas | null} canvas
 * @property {() => number} color  the chosen one
 * @property {import('./resync.js').Resync} resync
 * @property {import('./cooldown.js').CooldownClock} cooldown
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 * @property {(pixel: Pixel, placed: boolean) => void} settled  for the eye and the ear
 * @property {(told: boolean) => void} charged  an edit was answered; whether the server told what charges are left
 * @property {() => void} changed  something that is shown may be another
 */

export class Painting {
  ownPixels = new OwnPixels()
  #history = new History()
  #page
  #stopped = false // this stroke has been refused: saying so once is enough

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
  }

  /** Whether there is an own pixel to undo. */
  get canUndo() {
    return this.#history.last !== undefined
  }

  /**
   * Paint a canvas pixel.
   *
   * @param {Pixel} pixel
   * @returns {boolean} whether it is on its way; otherwise the reason was told
   */
  paint({ x, y }) {
    const before = this.#page.canvas()?.at(x, y) ?? 0
    const color = this.#page.color()
    const id = this.#place(x, y, color)
    if (id) this.#history.add({ id, x, y, before, color })
    return id > 0
  }

  /** Take back the own last pixel, as long as nobody has painted over it. */
  undo() {
    const last = this.#history.last
    if (!last) return this.#page.say(t('nothingToUndo'), 'news')
    if (this.#place(last.x, last.y, last.before)) this.#history.undone(last.id)
  }

  /** A stroke of several pixels begins. */
  beginStroke() {
    this.#stopped = false
  }

  /**
   * Paint those of a stroke's pixels that aren't in the chosen colour yet, until charges run out.
   * @param {Pixel[]} pixels
   */
  stroke(pixels) {
    for (const pixel of pixels) {
      if (this.#stopped || this.#colorAt(pixel) === this.#page.color()) continue
      this.#stopped = !this.paint(pixel)
    }
  }

  /** @returns {string | null} the reason why an edit isn't even sent */
  whyNot() {
    const { canvas, resync, cooldown } = this.#page
    const now = Date.now()
    if (!canvas()) return t('notHereYet')
    const { refusal } = resync
    // Who can't have a stream can paint: the canvas follows in images.
    if (resync.connection === 'offline' && refusal?.kind !== 'full') return refusal ? whyRefused(refusal) : t('offlineNoPainting')
    if (resync.connection === 'read-only') return t('readOnlyNoPainting')
    if (this.ownPixels.full) return t('tooManyUnderWay')
    if (cooldown.limited && cooldown.remaining(now) < 1) return t('notYet', { time: duration(cooldown.nextMs(now) / 1000) })
    return null
  }

  /** A canvas was loaded anew. */
  loaded() {
    this.#history.clear()
    this.#reached()
  }

  /**
   * The canvas has got these edits.
   *
   * @param {Uint16Array} edits  x, y, color, …
   * @returns {boolean} whether that changes anything of what is shown here
   */
  applied(edits) {
    const [size, last] = [this.ownPixels.size, this.#history.last]
    for (let i = 0; i < edits.length; i += 3) {
      if (this.ownPixels.size) this.ownPixels.seen(edits[i], edits[i + 1])
      this.#history.seen(edits[i], edits[i + 1], edits[i + 2])
    }
    this.#reached()
    return this.ownPixels.size !== size || this.#history.last !== last
  }

  /**
   * Time passes.
   * @returns {boolean} whether the stream is in doubt
   */
  tick() {
    const { unknown, overdue } = this.ownPixels.tick(Date.now(), ['live', 'read-only'].includes(this.#page.resync.connection))
    if (unknown.length) this.#page.say(t('nobodySaid'), 'trouble')
    if (unknown.length || overdue.length) this.#page.changed()
    return overdue.length > 0
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} color
   * @returns {number} the own pixel's id; 0: refused
   */
  #place(x, y, color) {
    const { cooldown, resync, say, changed } = this.#page
    const refusal = this.whyNot()
    if (refusal) say(refusal, 'trouble')
    if (refusal) return 0
    const id = this.ownPixels.add({ x, y, color, log: /** @type {string} */ (resync.log), now: Date.now() })
    cooldown.spend(Date.now())
    void this.#post(id, x, y, color)
    changed()
    return id
  }

  /**
   * @param {number} id
   * @param {number} x
   * @param {number} y
   * @param {number} color
   */
  async #post(id, x, y, color) {
    const { cooldown, resync, say, settled, charged, changed } = this.#page
    const { outcome, rateLimit } = await postEdit({ x, y, color })
    const now = Date.now()
    if (outcome.kind === 'refused' && outcome.retrySeconds !== null) cooldown.refused(now, outcome.retrySeconds)
    else if (outcome.kind === 'refused' && !rateLimit) cooldown.givenBack(now)
    else cooldown.answered(now, rateLimit)
    charged(rateLimit !== null)
    this.#history.answered(id, outcome.kind === 'posted' ? outcome.version : null)
    if (outcome.kind === 'posted') {
      this.ownPixels.posted(id, outcome.version, { log: /** @type {string} */ (resync.log), version: resync.version, now })
      this.#reached()
    } else {
      if (outcome.kind === 'refused') this.ownPixels.refused(id)
      else this.ownPixels.unknown(id, now)
      say(outcome.reason, 'trouble')
    }
    if (outcome.kind !== 'unknown') settled({ x, y }, outcome.kind === 'posted')
    changed()
  }

  #reached() {
    const { canvas, resync } = this.#page
    this.ownPixels.reached(/** @type {string} */ (resync.log), resync.version)
    this.#history.reached(resync.version, (x, y) => canvas()?.at(x, y) ?? -1)
  }

  /** @param {Pixel} pixel */
  #colorAt({ x, y }) {
    const own = this.ownPixels.shown().find((one) => one.x === x && one.y === y)
    return own ? own.color : this.#page.canvas()?.at(x, y)
  }
}
