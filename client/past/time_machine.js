/**
 * The canvas' past on the page: the time line, the film, layers over it, and the pixels' cards. The page loads it at its
 * first use.
 *
 *     closed ── open ──► now: the live canvas, with the time line under it ◄── the last moment, back to now
 *                         └── seek, play ──► a moment: the reel's canvas is shown; the live one goes on unseen
 *
 * People paint only without the time line: while it is open, a click shows a pixel's card.
 */

import { element, make } from '../page/elements.js'
import { save } from '../page/saving.js'
import { t } from '../words/language.js'
import { Film, canRecord } from './film.js'
import { Activity } from './activity.js'
import { momentOf, withMoment } from './moment.js'
import { PixelCard } from './pixel_card.js'
import { Playback, SPEEDS } from './playback.js'
import { reportForm } from '../reporting/report_form.js'
import { Reel } from './past_canvas.js'
import { Source, boundsOf } from './source.js'
import './texts.js'
import { TimeLine } from './time_line.js'

/** @typedef {import('../view/viewport.js').Point} Point */
/** @typedef {import('./source.js').History} History */

const ASK_MS = 5_000 // between two requests for the bounds of the history, while the time line is open
const ADDRESS_MS = 300
const FILM_MS = 60_000
const STEP_MS = 10_000 // the longest wait for the requests of a step
const STEP_VERSIONS = 256 // in which it finds an edit, among the acts of moderators

/**
 * @typedef {object} Page
 * @property {import('../view/screen.js').Screen} screen
 * @property {import('../painting/palette_bar.js').PaletteBar} palette
 * @property {(layers: import('../view/screen.js').Layer[]) => import('../view/screen.js').Layer[]} layers  those that the
 *   past also has, with these between
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 * @property {(text: string) => void} announce
 * @property {() => string} fragment  that names the present view, and keeps the other entries of the address
 * @property {(edit: import('./source.js').PixelEdit) => HTMLElement[]} buttons  on a pixel's card for moderators and hosts
 * @property {() => void} changed  it was opened or closed, or another canvas is shown
 */

export class TimeMachine {
  #page
  #source
  #history = /** @type {History | null} */ (null)
  #playback = new Playback(0, 1)
  #reel
  #activity
  #card
  #line
  #styled
  #layer = /** @type {'heat' | 'untouched' | null} */ (null)
  #isOpen = false
  #isRight = true // whether the shown canvas is that of the moment
  #frame = 0
  #asking = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined)
  #addressing = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
  #film = /** @type {Film | null} */ (null)

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
    this.#source = new Source(() => page.palette.palette)
    this.#styled = style()
    this.#reel = new Reel(this.#source, (error) => this.#failed(error))
    this.#activity = new Activity(this.#source, () => this.#page.screen.invalidate())
    this.#card = new PixelCard({
      source: this.#source,
      palette: () => page.palette.palette,
      nameOf: (color) => page.palette.nameOf(color),
      go: (moment) => void this.open(moment),
      buttons: page.buttons,
      foot: (pixel) => [reportForm(pixel)],
      closed: () => page.screen.invalidate()
    })
    this.#line = new TimeLine({
      seek: (moment, done) => this.#seek(moment, done),
      play: () => this.togglePlay(),
      step: (direction) => void this.step(direction),
      turn: () => this.#set({ backwards: !this.#playback.backwards }),
      speed: (speed) => this.#set({ speed }),
      now: () => this.#seek(Infinity, true),
      layer: (layer) => this.#showLayer(layer),
      film: () => void this.#download(),
      close: () => this.close()
    })
  }

  get isOpen() {
    return this.#isOpen
  }

  /** Whether the live canvas is shown. */
  get #isNow() {
    return this.#playback.atEnd && !this.#playback.playing
  }

  /** The pixel whose card is open; null without one. */
  get pixel() {
    return this.#card.pixel
  }

  /** The shown state, for tests and the curious: null while it is closed. */
  get state() {
    if (!this.#isOpen) return null
    const { moment, playing } = this.#playback
    return { moment, playing, now: this.#isNow, version: this.#isNow ? null : this.#reel.version, ready: this.#isRight }
  }

  /**
   * Open the time line at the moment of an address.
   * @param {string} fragment  that may name a moment
   */
  async openAt(fragment) {
    const moment = momentOf(fragment)
    if (moment !== null) await this.open(moment)
  }

  /**
   * Open the time line, at a moment or at the present.
   * @param {number | null} [moment]
   */
  async open(moment = null) {
    try {
      await this.#ask()
    } catch (error) {
      this.#failed(error)
      return
    }
    await this.#styled
    if (!this.#isOpen) {
      this.#isOpen = true
      document.body.dataset.past = 'open'
      this.#line.open()
      element('past').setAttribute('aria-expanded', 'true')
      this.#asking = setInterval(() => void this.#ask().catch(() => {}), ASK_MS)
      this.#page.changed()
    }
    this.#card.close()
    this.#seek(moment ?? Infinity, true)
    this.#line.focus()
  }

  /** Back to painting: the live canvas, without the time line. */
  close() {
    if (!this.#isOpen) return
    this.#isOpen = false
    clearInterval(this.#asking)
    this.#film?.cancel()
    this.#playback.pause()
    this.#showNow()
    this.#card.close()
    this.#showLayer(null)
    const hadFocus = this.#line.close()
    delete document.body.dataset.past
    element('past').setAttribute('aria-expanded', 'false')
    if (hadFocus) element('past').focus()
    this.#address()
    this.#page.changed()
  }

  /** Play all of it, within about a minute. */
  async playAll() {
    await this.open(-Infinity)
    if (!this.#isOpen) return
    const { from, to } = this.#playback
    this.#set({ backwards: false, speed: SPEEDS.find((speed) => (to - from) / speed < FILM_MS) ?? SPEEDS[SPEEDS.length - 1] })
    if (!this.#playback.playing) this.togglePlay()
  }

  togglePlay() {
    const { playing } = this.#playback
    if (playing) this.#playback.pause()
    else this.#playback.play(performance.now())
    this.#page.announce(t(playing ? 'pause' : 'play'))
    this.#soon()
    if (playing) this.#address()
  }

  /**
   * One edit further, or back.
   * @param {1 | -1} direction
   */
  async step(direction) {
    const history = this.#history
    if (!history) return
    this.#playback.pause()
    const version = this.#isNow ? history.version : this.#reel.version
    const from = direction > 0 ? version : Math.max(history.first, version - STEP_VERSIONS)
    const to = direction > 0 ? Math.min(history.version, version + STEP_VERSIONS) : version
    if (from >= to) return
    try {
      const { times } = await this.#source.edits(from, to, AbortSignal.timeout(STEP_MS))
      if (times.length) this.#seek(direction > 0 ? times[0] : times[times.length - 1] - 1, true)
    } catch (error) {
      this.#failed(error)
    }
  }

  /**
   * A speed up or down.
   * @param {1 | -1} direction
   */
  stepSpeed(direction) {
    this.#playback.step(direction)
    this.#show()
  }

  /**
   * Show a pixel's card, at the shown moment.
   *
   * @param {Point} pixel
   * @param {boolean} [focus]  by key
   */
  look(pixel, focus = false) {
    const isPast = this.#isOpen && !this.#isNow && this.#reel.canvas !== null
    void this.#card.open(pixel, isPast ? this.#reel.version : null, focus)
    this.#page.screen.invalidate()
  }

  /** Close a pixel's card. */
  closeCard() {
    this.#card.close()
  }

  /**
   * The live canvas is of this log: drop everything about another log's past.
   * @param {string} log
   */
  belongsTo(log) {
    if (this.#history === null || this.#history.log === log) return
    this.#history = null
    this.#reel.clear()
    this.#activity.clear()
    if (this.#isOpen) this.close()
  }

  async #ask() {
    const history = await this.#source.history()
    const { from, to } = history
    const isNew = this.#history === null || this.#history.from !== from
    this.#history = history
    this.#reel.reaches(boundsOf(history))
    if (isNew) this.#playback = Object.assign(new Playback(from, to), { speed: this.#playback.speed })
    else this.#playback.extend(to)
    await this.#activity.load(history)
    this.#line.showHistory({ from, to: this.#playback.to, marks: history.marks, counts: this.#activity.counts })
    this.#show()
  }

  /**
   * @param {number} moment
   * @param {boolean} done
   */
  #seek(moment, done) {
    this.#playback.seek(moment)
    this.#isRight = false
    this.#soon()
    if (done) this.#address()
  }

  /** @param {{ speed?: number, backwards?: boolean }} wish */
  #set(wish) {
    Object.assign(this.#playback, wish)
    this.#show()
  }

  #soon() {
    this.#frame ||= requestAnimationFrame((now) => this.#step(now))
  }

  /** @param {number} now */
  #step(now) {
    this.#frame = 0
    if (!this.#isOpen) return
    const playback = this.#playback
    const moment = playback.tick(now)
    this.#isRight = this.#isNow || this.#showMoment(moment, now)
    if (this.#isNow) this.#showNow()
    this.#show(!this.#isRight)
    if (playback.playing || !this.#isRight) this.#soon()
  }

  /**
   * @param {number} moment
   * @param {number} now
   * @returns {boolean} whether the canvas is that moment's
   */
  #showMoment(moment, now) {
    const { playing, backwards, speed } = this.#playback
    const way = { speed: playing ? (backwards ? -speed : speed) : 0, density: this.#activity.densityAt(moment), now }
    const isRight = this.#reel.show(moment, way)
    this.#playback.hold(!isRight && !Reel.leaps(way))
    const { canvas } = this.#reel
    if (canvas) this.#page.screen.showPast(canvas, this.#page.layers([this.#drawLayer, this.#drawCard]))
    return isRight
  }

  #showNow() {
    this.#reel.clear()
    this.#page.screen.showPast(null)
  }

  /** @param {boolean} [busy] */
  #show(busy = false) {
    const { moment, playing, backwards, speed } = this.#playback
    this.#line.show({ moment, isNow: this.#isNow, playing, backwards, speed, busy, layer: this.#layer })
  }

  /** @param {'heat' | 'untouched' | null} layer */
  #showLayer(layer) {
    this.#layer = layer
    this.#show()
    this.#page.screen.invalidate()
  }

  /** @type {import('../view/screen.js').Layer} */
  #drawLayer = (context, view, canvas) => {
    // Its cells are parts of the canvas as it is now, which may have grown since.
    if (this.#layer) this.#activity.draw(this.#layer, context, view, this.#page.screen.live ?? canvas)
  }

  /** @type {import('../view/screen.js').Layer} */
  #drawCard = (context, view) => {
    const { pixel } = this.#card
    if (!pixel) return
    const box = { x: (pixel.x - view.left) * view.scale, y: (pixel.y - view.top) * view.scale }
    for (const [grown, ink] of /** @type {const} */ ([[1, '#fff'], [3, '#000']])) {
      context.lineWidth = 2
      context.strokeStyle = ink
      context.strokeRect(box.x - grown, box.y - grown, view.scale + 2 * grown, view.scale + 2 * grown)
    }
  }

  /** The layers that the live canvas also has. */
  layer = /** @type {import('../view/screen.js').Layer} */ ((...drawing) => {
    this.#drawLayer(...drawing)
    this.#drawCard(...drawing)
  })

  /** Put the shown moment into the address, so that people can share it. */
  #address() {
    clearTimeout(this.#addressing)
    const moment = this.#isOpen && !this.#isNow ? Math.floor(this.#playback.moment) : null
    this.#addressing = setTimeout(() => {
      history.replaceState(null, '', withMoment(this.#page.fragment(), moment) || location.pathname + location.search)
    }, ADDRESS_MS)
  }

  /**
   * @param {unknown} error
   * @returns {number} ms that the server asked to wait
   */
  #failed(error) {
    const { refusal, retryAfterMs = 0, name } = Object(error)
    if (name === 'AbortError') return 0
    const key = refusal?.status === 404 ? 'noHistory' : refusal?.status === 503 ? 'pastIndexing' : 'pastNotLoaded'
    this.#page.say(t(key), 'trouble')
    return retryAfterMs
  }

  async #download() {
    if (this.#film) return this.#film.cancel()
    if (!canRecord()) return this.#page.say(t('noRecorder'), 'trouble')
    const history = /** @type {History} */ (this.#history)
    this.#film = new Film(this.#source, history, (moment) => this.#activity.densityAt(moment))
    try {
      const said = (/** @type {number} */ part) => this.#page.say(t('filming', { percent: Math.round(100 * part) }), 'news')
      const blob = await this.#film.record(said)
      if (blob) save(blob, blob.type.startsWith('video/mp4') ? '.mp4' : '.webm')
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#film = null
    }
  }
}

/**
 * Load the styles. Without them the time line takes another part of the window, and the canvas, which makes room for it,
 * would move twice: under the pointer of somebody who is about to click.
 *
 * @returns {Promise<unknown>}  they are loaded, or can't be
 */
function style() {
  const link = make('link', { rel: 'stylesheet', href: new URL('past.css', import.meta.url).href })
  document.head.append(link)
  return new Promise((done) => (link.onload = link.onerror = done))
}
