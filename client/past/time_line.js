/**
 * The time line: the shown moment, the controls of the film, and how much people painted when. It shows the state that it
 * gets, and reports wishes; `time_machine.js` decides.
 */

import { element, make } from '../page/elements.js'
import { language, t } from '../words/language.js'
import { SPEEDS } from './playback.js'

const DATE = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' })
/** The name of each kind of mark. */
const MARKS = new Map(/** @type {[string, import('../words/language.js').TextKey][]} */ ([
  ['grow', 'grown'],
  ['open', 'mark_open'],
  ['close', 'mark_close'],
  ['announce', 'mark_announce']
]))
const KEY_STEPS = 1_000 // of the whole line; an arrow key moves by one, with Shift or the page keys by fifty
const ICONS = {
  play: 'M5 3v10l8-5z',
  pause: 'M5 3v10M11 3v10',
  back: 'M11 4 6 8l5 4M4 4v8',
  on: 'm5 4 5 4-5 4M12 4v8',
  backwards: 'M13 8H4M7 4 3 8l4 4',
  heat: 'M8 2c3 3 4 4.500 4 7a4 4 0 0 1-8 0c0-1.500.5-2.500 1.500-3.500C6 7 7 7 7 6s0-2 1-4z',
  untouched: 'M3 3h10v10H3zM6 6h4v4H6z',
  film: 'M2 3h12v10H2zM5 3v10M11 3v10M2 8h3M11 8h3',
  close: 'm4 4 8 8M12 4l-8 8'
}

/** @typedef {import('./source.js').Mark} Mark */
/** @typedef {keyof typeof ICONS} Icon */

/**
 * The wishes of a person at the controls.
 * @typedef {object} Wishes
 * @property {(moment: number, done: boolean) => void} seek  `done`: the slider was let go
 * @property {() => void} play  or pause
 * @property {(direction: 1 | -1) => void} step  one edit
 * @property {() => void} turn  play the other way
 * @property {(speed: number) => void} speed
 * @property {() => void} now
 * @property {(layer: 'heat' | 'untouched' | null) => void} layer
 * @property {() => void} film
 * @property {() => void} close
 */

export class TimeLine {
  #element = element('timeline')
  #wishes
  #from = 0
  #to = 1
  #slider
  #heights = make('canvas', { className: 'heights', ariaHidden: 'true' })
  #marks = make('div', { className: 'marks' })
  #date = make('output', { ariaLive: 'off' })
  #play
  #turn
  #now
  #speed
  #layers
  #busy = make('span', { className: 'busy', hidden: true })

  /** @param {Wishes} wishes */
  constructor(wishes) {
    this.#wishes = wishes
    const slider = make('input', { type: 'range', id: 'moment', min: '0', step: 'any', ariaLabel: t('moment') })
    this.#slider = slider
    slider.addEventListener('input', () => wishes.seek(this.#from + Number(slider.value), false))
    slider.addEventListener('change', () => wishes.seek(this.#from + Number(slider.value), true))
    slider.addEventListener('keydown', (event) => this.#press(event))
    this.#play = button('play', t('play'), wishes.play)
    this.#play.classList.add('main')
    this.#turn = button('backwards', t('backwards'), wishes.turn)
    this.#now = make('button', { type: 'button', className: 'now', onclick: wishes.now }, t('backToNow'))
    this.#speed = make('select', { ariaLabel: t('speed') }, ...SPEEDS.map((speed) => make('option', { value: `${speed}` }, t('times', { speed }))))
    this.#speed.addEventListener('change', () => wishes.speed(Number(this.#speed.value)))
    this.#layers = /** @type {const} */ (['heat', 'untouched']).map((name) => {
      const made = button(name, t(name), () => wishes.layer(made.getAttribute('aria-pressed') === 'true' ? null : name))
      made.setAttribute('aria-pressed', 'false')
      return { name, made }
    })
    this.#busy.textContent = t('loadingPast')
    this.#element.replaceChildren(
      make('div', { className: 'track' }, this.#heights, slider, this.#marks),
      make(
        'div',
        { className: 'controls' },
        make('div', { className: 'group' }, button('back', t('stepBack'), () => wishes.step(-1)), this.#play, button('on', t('stepOn'), () => wishes.step(1)), this.#turn, this.#speed),
        make('div', { className: 'when' }, this.#date, this.#busy),
        make('div', { className: 'group' }, this.#now, ...this.#layers.map(({ made }) => made), button('film', t('film'), wishes.film), button('close', t('close'), wishes.close))
      )
    )
    new ResizeObserver(() => this.#drawHeights()).observe(this.#heights)
  }

  #counts = /** @type {number[]} */ ([])

  /**
   * Show the extent of the past.
   * @param {{ from: number, to: number, marks: Mark[], counts: number[] }} history  `counts`: edits in each of equal parts
   */
  showHistory({ from, to, marks, counts }) {
    this.#from = from
    this.#to = Math.max(from + 1, to)
    this.#slider.max = String(this.#to - from)
    this.#counts = counts
    this.#marks.replaceChildren(...marks.map((mark) => this.#markOf(mark)))
    this.#drawHeights()
  }

  /**
   * @param {object} state
   * @param {number} state.moment
   * @param {boolean} state.isNow  the live canvas is shown
   * @param {boolean} state.playing
   * @param {boolean} state.backwards
   * @param {number} state.speed
   * @param {boolean} state.busy  the moment to show is still loading
   * @param {'heat' | 'untouched' | null} state.layer
   */
  show({ moment, isNow, playing, backwards, speed, busy, layer }) {
    const words = isNow ? t('now') : DATE.format(moment)
    write(this.#date, words)
    if (document.activeElement !== this.#slider || !this.#slider.matches(':active')) this.#slider.value = String(moment - this.#from)
    this.#slider.setAttribute('aria-valuetext', words)
    this.#slider.style.setProperty('--part', String((moment - this.#from) / (this.#to - this.#from)))
    this.#date.title = isNow ? '' : new Date(moment).toISOString()
    setIcon(this.#play, playing ? 'pause' : 'play', t(playing ? 'pause' : 'play'))
    this.#turn.setAttribute('aria-pressed', String(backwards))
    this.#now.disabled = isNow
    if (this.#speed.value !== String(speed)) this.#speed.value = String(speed)
    this.#busy.hidden = !busy
    for (const { name, made } of this.#layers) made.setAttribute('aria-pressed', String(name === layer))
  }

  open() {
    this.#element.hidden = false
  }

  /** @returns {boolean} whether it had the focus */
  close() {
    const hadFocus = this.#element.contains(document.activeElement)
    this.#element.hidden = true
    return hadFocus
  }

  /** Put the focus on the slider. */
  focus() {
    this.#slider.focus()
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const far = event.shiftKey ? 50 : 1
    const steps = /** @type {Record<string, number>} */ ({
      ArrowLeft: -far, ArrowDown: -far, ArrowRight: far, ArrowUp: far,
      PageDown: -50, PageUp: 50, Home: -Infinity, End: Infinity
    })[event.key]
    if (event.key === ' ') this.#wishes.play()
    else if (steps) this.#wishes.seek(this.#moved(steps), true)
    else return
    event.preventDefault()
  }

  /** @param {number} steps */
  #moved(steps) {
    if (!Number.isFinite(steps)) return steps < 0 ? this.#from : this.#to
    return this.#from + Number(this.#slider.value) + (steps * (this.#to - this.#from)) / KEY_STEPS
  }

  /** @param {Mark} mark */
  #markOf({ kind, time }) {
    const key = MARKS.get(kind)
    const words = `${key ? t(key) : kind} · ${DATE.format(time)}`
    const made = make('button', { type: 'button', title: words, ariaLabel: words, onclick: () => this.#wishes.seek(time, true) })
    made.style.setProperty('--part', String((time - this.#from) / (this.#to - this.#from)))
    return made
  }

  /** How much people painted when, as heights: the square root, so that a quiet hour is visible beside a busy one. */
  #drawHeights() {
    const { clientWidth: width, clientHeight: height } = this.#heights
    const [counts, ratio] = [this.#counts, devicePixelRatio]
    this.#heights.width = Math.max(1, Math.round(width * ratio))
    this.#heights.height = Math.max(1, Math.round(height * ratio))
    const context = this.#heights.getContext('2d')
    if (!context || !counts.length) return
    context.scale(ratio, ratio)
    context.fillStyle = getComputedStyle(this.#heights).color
    const most = Math.sqrt(Math.max(1, ...counts))
    for (const [i, count] of counts.entries()) {
      const high = (height * Math.sqrt(count)) / most
      context.fillRect((i * width) / counts.length, height - high, Math.max(1, width / counts.length - 0.5), high)
    }
  }
}

/**
 * @param {Icon} icon
 * @param {string} label
 * @param {() => void} onclick
 */
export function button(icon, label, onclick) {
  const made = make('button', { type: 'button', onclick })
  setIcon(made, icon, label)
  return made
}

/**
 * @param {HTMLButtonElement} target
 * @param {Icon} icon
 * @param {string} label
 */
function setIcon(target, icon, label) {
  if (target.dataset.icon === icon) return
  target.dataset.icon = icon
  target.title = target.ariaLabel = label
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg')
  svg.setAttribute('viewBox', '0 0 16 16')
  const path = document.createElementNS(svg.namespaceURI, 'path')
  path.setAttribute('d', ICONS[icon])
  svg.append(path)
  target.replaceChildren(svg)
}

/**
 * @param {HTMLElement} target
 * @param {string} text
 */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text
}
