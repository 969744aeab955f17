/**
 * Painting: from a click to an edit and its outcome. The page draws the own pixel at once (`own_pixels.js`), posts it, and
 * then keeps it, takes it back or leaves it in doubt, as the server and the stream say.
 */

import { duration } from '../words/duration.js'
import { Undoable } from './undo.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'
import { Outbox } from './outbox.js'
import { OwnPixels } from './own_pixels.js'
import { whyRefused } from '../stream/refusals.js'

/** @typedef {{ x: number, y: number }} Pixel */

/**
 * The parts of the page that painting needs.
 * @typedef {object} Page
 * @property {() => import('../canvas/canvas.js').Canvas | null} canvas
 * @property {() => number} color  the chosen one
 * @property {import('../stream/resync.js').Resync} resync
 * @property {import('./cooldown.js').CooldownClock} cooldown
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 * @property {() => number} mostEdits  the most edits in one request
 * @property {() => string | null} mayNot  the reason why this person may not paint
 * @property {import('./outbox.js').Page['post']} post
 * @property {(pixels: Pixel[], placed: boolean) => void} settled  shows and sounds the outcome
 * @property {(area: unknown) => void} kept  this area, as the server has it, is protected
 * @property {(told: boolean) => void} charged  the server answered an edit; whether it said how many charges are left
 * @property {() => void} changed  something on the page may have changed
 */

export class Painting {
  ownPixels = new OwnPixels()
  #undoable = new Undoable()
  #page
  #outbox
  #undoing = /** @type {Map<number, import('./undo.js').Entry>} */ (new Map()) // by the id of the edit that does so
  #stroke = 0 // counts strokes, and pixels painted by themselves
  #stopped = false // this stroke was refused: one message is enough

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
    this.#outbox = new Outbox({ cooldown: page.cooldown, mostEdits: page.mostEdits, post: page.post, answered: this.#answered })
  }

  /** Whether there is an own pixel to undo. */
  get canUndo() {
    return this.#undoable.last !== undefined
  }

  /**
   * Paint a canvas pixel.
   *
   * @param {Pixel} pixel
   * @returns {boolean}  whether it is on its way; otherwise the page has said why not
   */
  paint(pixel) {
    this.#stroke++
    const edit = this.#draw(pixel)
    if (edit) void this.#outbox.post([edit])
    return edit !== null
  }

  /** Take back the own last pixel, or the last stroke, as long as nobody has painted over it. */
  undo() {
    const stroke = this.#undoable.lastStroke
    if (!stroke.length) return this.#page.say(t('nothingToUndo'), 'news')
    for (const painted of stroke) {
      const edit = this.#place(painted.x, painted.y, painted.before)
      if (!edit) return // too few charges; the others can still be undone
      this.#undoable.undone(painted.id)
      this.#undoing.set(edit.id, painted)
      this.#outbox.gather(edit)
    }
  }

  /** A stroke of several pixels begins. */
  beginStroke() {
    this.#stroke++
    this.#stopped = false
  }

  /**
   * Paint those of a stroke's pixels that aren't in the chosen colour yet, until charges run out.
   * @param {Pixel[]} pixels
   */
  stroke(pixels) {
    for (const pixel of pixels) {
      if (this.#stopped || this.#colorAt(pixel) === this.#page.color()) continue
      const edit = this.#draw(pixel)
      if (edit) this.#outbox.gather(edit)
      this.#stopped = !edit
    }
  }

  /** @returns {string | null} the reason why an edit isn't even sent */
  whyNot() {
    const { canvas, resync, cooldown, mayNot } = this.#page
    const now = Date.now()
    if (!canvas()) return t('notHereYet')
    const { refusal } = resync.standing
    // Without a stream people can still paint: the canvas follows in images.
    if (resync.standing.connection === 'offline' && refusal?.kind !== 'full') return refusal ? whyRefused(refusal) : t('offlineNoPainting')
    if (resync.standing.connection === 'read-only') return t('readOnlyNoPainting')
    const refused = mayNot()
    if (refused) return refused
    if (this.ownPixels.full) return t('tooManyUnderWay')
    if (cooldown.limited && cooldown.remaining(now) < 1) return t('notYet', { time: duration(cooldown.nextMs(now) / 1000) })
    return null
  }

  /** A canvas was loaded anew. */
  loaded() {
    this.#undoable.clear()
    this.#reached()
  }

  /**
   * The canvas has got these edits.
   *
   * @param {Uint16Array} edits  x, y, color, …
   * @returns {boolean}  whether that changes anything on the page
   */
  applied(edits) {
    const [size, last] = [this.ownPixels.size, this.#undoable.last]
    for (let i = 0; i < edits.length; i += 3) {
      if (this.ownPixels.size) this.ownPixels.seen(edits[i], edits[i + 1])
      this.#undoable.seen(edits[i], edits[i + 1], edits[i + 2])
    }
    this.#reached()
    return this.ownPixels.size !== size || this.#undoable.last !== last
  }

  /**
   * Time passes.
   * @returns {boolean} whether the stream is in doubt
   */
  tick() {
    const { unknown, overdue } = this.ownPixels.tick(Date.now(), ['live', 'read-only'].includes(this.#page.resync.standing.connection))
    if (unknown.length) this.#page.say(t('nobodySaid'), 'trouble')
    if (unknown.length || overdue.length) this.#page.changed()
    return overdue.length > 0
  }

  /**
   * @param {Pixel} pixel
   * @returns {import('./outbox.js').Edit | null} in the chosen colour; null: refused, the reason was told
   */
  #draw({ x, y }) {
    const before = this.#page.canvas()?.at(x, y) ?? 0
    const edit = this.#place(x, y, this.#page.color())
    if (edit) this.#undoable.add({ ...edit, before, stroke: this.#stroke })
    return edit
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} color
   * @returns {import('./outbox.js').Edit | null} drawn, and paid for; null: refused, the reason was told
   */
  #place(x, y, color) {
    const { cooldown, resync, say, changed } = this.#page
    const refusal = this.whyNot()
    if (refusal) say(refusal, 'trouble')
    if (refusal) return null
    const id = this.ownPixels.add({ x, y, color, log: /** @type {string} */ (resync.log), now: Date.now() })
    cooldown.spend(Date.now())
    changed()
    return { id, x, y, color }
  }

  /** @type {import('./outbox.js').Page['answered']} */
  #answered = (edits, outcome, isCharged) => {
    const { resync, say, settled, kept, charged, changed } = this.#page
    const now = Date.now()
    charged(isCharged)
    for (const { id } of edits) {
      this.#undoable.answered(id, outcome.kind === 'posted' ? outcome.version : null)
      const undone = this.#undoing.get(id)
      this.#undoing.delete(id)
      if (undone && outcome.kind === 'refused' && this.#page.canvas()?.at(undone.x, undone.y) === undone.color) this.#undoable.restore(undone)
      if (outcome.kind === 'refused') this.ownPixels.refused(id)
      else if (outcome.kind === 'unknown') this.ownPixels.unknown(id, now)
      else this.ownPixels.posted(id, outcome.version, { log: /** @type {string} */ (resync.log), version: resync.version, now })
    }
    if (outcome.kind === 'posted') this.#reached()
    else {
      this.#stopped = true
      if (outcome.reason) say(outcome.reason, 'trouble')
      if (outcome.kind === 'refused' && outcome.area) kept(outcome.area)
    }
    if (outcome.kind !== 'unknown') settled(edits, outcome.kind === 'posted')
    changed()
  }

  #reached() {
    const { canvas, resync } = this.#page
    this.ownPixels.reached(/** @type {string} */ (resync.log), resync.version)
    this.#undoable.reached(resync.version, (x, y) => canvas()?.at(x, y) ?? -1)
  }

  /** @param {Pixel} pixel */
  #colorAt({ x, y }) {
    const own = this.ownPixels.shown().find((one) => one.x === x && one.y === y)
    return own ? own.color : this.#page.canvas()?.at(x, y)
  }
}
