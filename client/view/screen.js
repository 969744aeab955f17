/**
 * Draws: the canvas as the view shows it, and layers over it. The one place that draws on the page's canvas element.
 *
 * Code that changes something visible calls `invalidate()`; the screen draws any number of changes before the next frame
 * once, in one requestAnimationFrame. Edits come by `apply`: the screen draws the visible ones at once when it is quiet, and
 * at most ten times a second when many arrive, each time only where they are. A layer is a function that draws in CSS pixels
 * over the canvas; a layer that returns true goes on changing, and is drawn again as often as edits are.
 */

import { glide } from './inertia.js'
import { Tiles } from './tiles.js'
import { clampView, fitView, frameOf, panView, pinchView, screenOf, zoomView } from './viewport.js'

/** @typedef {import('../canvas/canvas.js').Canvas} Canvas */
/** @typedef {import('./viewport.js').View} View */
/** @typedef {import('./viewport.js').Point} Point */
/** @typedef {(context: CanvasRenderingContext2D, view: View, canvas: Canvas) => boolean | void} Layer */

const EDITS_MS = 100 // less than connection.js gathers edits for, so that they wait only once
const MAX_PARTS = 100 // past so many, drawing all is cheaper; a guess
const ZOOM_MS = 50 // a wheel's notch is on its way for about three times this
const LOOK_MS = 300

const still = matchMedia('(prefers-reduced-motion: reduce)')

export class Screen {
  /** Drawn in order, above the live canvas. */
  layers = /** @type {Layer[]} */ ([])

  /** The space that the page's bars cover, in CSS pixels: fitting the canvas leaves it out. */
  insets = { top: 0, right: 0, bottom: 0, left: 0 }

  /** The view has changed; called each time, many times a second while it moves. */
  onLook = () => {}

  #element
  #context
  #live = /** @type {Canvas | null} */ (null)
  #past = /** @type {{ canvas: Canvas, layers: Layer[] } | null} */ (null) // shown instead of the live one
  #tiles = /** @type {Tiles | null} */ (null)
  #view = /** @type {View} */ ({ scale: 1, left: 0, top: 0 })
  #size = { width: 1, height: 1 }
  #ratio = 0 // device pixels per CSS pixel
  #fitted = true // nobody has moved the view yet: go on fitting when the window's size changes
  #all = false // everything has to be drawn
  #parts = /** @type {[number, number, number, number][]} */ ([]) // has to be drawn: x, y, width, height in device pixels
  #frame = 0 // the one that was asked for
  #timer = /** @type {ReturnType<typeof setTimeout> | null} */ (null)
  #editsAt = -EDITS_MS
  #motion = /** @type {((ms: number) => boolean) | null} */ (null) // moves the view; whether it goes on
  #movedAt = 0
  #zooming = 0 // what is left of a smooth zoom: the factor's logarithm

  /** @param {HTMLCanvasElement} element */
  constructor(element) {
    this.#element = element
    const context = element.getContext('2d')
    if (!context) throw new Error('this browser has no 2D canvas')
    this.#context = context
    const observer = new ResizeObserver(([entry]) => this.#resize(entry.devicePixelContentBoxSize?.[0]))
    try {
      observer.observe(element, { box: 'device-pixel-content-box' })
    } catch {
      observer.observe(element) // Safari
    }
    this.#resize()
  }

  /** @returns {View} */
  get view() {
    return this.#view
  }

  /**
   * The canvas that is shown.
   * @returns {Canvas | null}
   */
  get canvas() {
    return this.#past?.canvas ?? this.#live
  }

  /**
   * The live canvas, on which people paint.
   * @returns {Canvas | null}
   */
  get live() {
    return this.#live
  }

  /** The element's, in CSS pixels. */
  get size() {
    return this.#size
  }

  /** The canvas position in the middle of the space between the bars. */
  get center() {
    const { x, y } = this.#middle()
    return { x: this.#view.left + x / this.#view.scale, y: this.#view.top + y / this.#view.scale }
  }

  /**
   * This is the live canvas from now on. The view stays when the size is the same.
   * @param {Canvas} canvas
   */
  show(canvas) {
    const before = this.canvas
    this.#live = canvas
    this.#changedFrom(before)
  }

  /**
   * Show a canvas of the past instead of the live one, which goes on unseen; or that one again.
   *
   * @param {Canvas | null} canvas  null: the live one
   * @param {Layer[]} [layers]  layers to draw over it
   */
  showPast(canvas, layers = []) {
    const before = this.canvas
    this.#past = canvas && { canvas, layers }
    if (canvas || before !== this.canvas) this.#changedFrom(before)
  }

  /** @param {Canvas | null} before  what was shown */
  #changedFrom(before) {
    const { canvas } = this
    if (canvas && canvas !== before) {
      this.#tiles = new Tiles(canvas)
      if (before?.width !== canvas.width || before.height !== canvas.height) this.fit()
    }
    this.invalidate()
  }

  /**
   * Apply edits to the canvas, and show them soon.
   * @param {Uint16Array} edits  as for `Canvas.apply`
   */
  apply(edits) {
    this.#live?.apply(edits)
    if (!this.#past) this.#soon()
  }

  /** Something visible has changed. */
  invalidate() {
    this.#all = true
    this.#frame ||= requestAnimationFrame((now) => this.#step(now))
  }

  /** Show the whole canvas. */
  fit() {
    if (!this.canvas) return
    this.settle()
    this.#look(fitView(this.#size, this.canvas, this.insets))
    this.#fitted = true
  }

  /** Show the whole canvas in the space between the bars, unless somebody has moved the view. */
  refit() {
    if (this.#fitted) this.fit()
  }

  /**
   * Bring a canvas pixel into the middle of the space between the bars.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} [scale]
   * @param {boolean} [smooth]  move there, in a moment
   */
  lookAt(x, y, scale = this.#view.scale, smooth = false) {
    this.settle()
    const from = this.#view
    const start = screenOf(from, { x, y })
    const end = this.#middle()
    let ran = 0
    const step = (/** @type {number} */ ms) => {
      ran = Math.min(LOOK_MS, ran + ms)
      const part = 1 - (1 - ran / LOOK_MS) ** 3
      const at = { x: start.x + (end.x - start.x) * part, y: start.y + (end.y - start.y) * part }
      const now = part < 1 ? from.scale * (scale / from.scale) ** part : scale
      this.#look({ scale: now, left: x + 0.5 - at.x / now, top: y + 0.5 - at.y / now })
      return ran < LOOK_MS
    }
    if (smooth && !still.matches) this.#move(step)
    else step(LOOK_MS)
  }

  /**
   * @param {number} factor
   * @param {Point} [at]  CSS pixels; by default the middle of the space between the bars
   * @param {boolean} [smooth]  in a moment, as a wheel's notches want it
   */
  zoom(factor, at = this.#middle(), smooth = false) {
    if (!this.canvas) return
    if (!smooth || still.matches) return this.#look(zoomView(this.#view, factor, at, this.#size, this.canvas))
    const left = this.#zooming + Math.log(factor)
    this.settle()
    this.#zooming = left
    this.#move((ms) => {
      const part = Math.abs(this.#zooming) < 0.005 ? this.#zooming : this.#zooming * (1 - Math.exp(-ms / ZOOM_MS))
      this.#zooming -= part
      this.zoom(Math.exp(part), at)
      return this.#zooming !== 0
    })
  }

  /**
   * @param {number} dx  CSS pixels
   * @param {number} dy
   */
  pan(dx, dy) {
    this.#look(panView(this.#view, dx, dy))
  }

  /**
   * @param {readonly [Point, Point]} from  CSS pixels
   * @param {readonly [Point, Point]} to
   */
  pinch(from, to) {
    if (this.canvas) this.#look(pinchView(this.#view, from, to, this.#size, this.canvas))
  }

  /**
   * Let go of a dragged canvas: it slides on for a while.
   *
   * @param {number} vx  CSS pixels per millisecond
   * @param {number} vy
   */
  fling(vx, vy) {
    this.settle()
    if (still.matches) return
    let speed = /** @type {Point | null} */ ({ x: vx, y: vy })
    this.#move((ms) => {
      const slid = glide(/** @type {Point} */ (speed), ms)
      speed = slid.speed
      this.pan(slid.way.x, slid.way.y)
      return speed !== null
    })
  }

  /** Stop moving. */
  settle() {
    this.#motion = null
    this.#zooming = 0
  }

  /** @param {(ms: number) => boolean} motion */
  #move(motion) {
    this.#motion = motion
    this.#movedAt = performance.now()
    this.invalidate()
  }

  /** @param {View} view */
  #look(view) {
    if (!this.canvas) return
    this.#view = clampView(view, this.#size, this.canvas)
    this.#fitted = false
    this.invalidate()
    this.onLook()
  }

  #middle() {
    const { top, right, bottom, left } = this.insets
    return { x: (left + this.#size.width - right) / 2, y: (top + this.#size.height - bottom) / 2 }
  }

  /** @param {ResizeObserverSize} [box]  in device pixels, if the browser reports it */
  #resize(box) {
    const { width, height } = this.#element.getBoundingClientRect()
    const [dx, dy] = [(width - this.#size.width) / 2, (height - this.#size.height) / 2]
    this.#size = { width: Math.max(1, width), height: Math.max(1, height) }
    this.#element.width = devicePixels(width, box?.inlineSize)
    this.#element.height = devicePixels(height, box?.blockSize)
    this.#ratio = devicePixelRatio
    if (this.#fitted) this.fit()
    else if (dx || dy) this.pan(dx, dy)
    this.#all = true
    this.#draw() // at once: a canvas whose size is set is empty
  }

  /** Show edits that came, and layers that go on changing: now, or when it is time again. */
  #soon() {
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#collect()
      if (this.#all || this.#parts.length) this.#frame ||= requestAnimationFrame((now) => this.#step(now))
    }, Math.max(0, this.#editsAt + EDITS_MS - performance.now()))
  }

  /** Take the canvas's changes into the tiles, and note where they are seen. */
  #collect() {
    if (!this.canvas || !this.#tiles) return
    this.#editsAt = performance.now()
    const changes = this.canvas.takeChanges()
    this.#tiles.update(changes)
    if (!changes) this.#all = true
    const { zoom, left, top } = frameOf(this.#view, this.#ratio)
    const block = 2 ** Math.max(0, Math.ceil(-Math.log2(zoom))) // a change shows in all of its pixel of the level
    for (const change of this.#all ? [] : (changes ?? [])) {
      const x = change % this.canvas.width
      const y = (change - x) / this.canvas.width
      const [column, row] = [x - (x % block), y - (y % block)]
      const spread = zoom < 1 ? block : 0 // and, through smoothing, in the pixels beside it
      const from = { x: Math.floor((column - spread) * zoom) - left, y: Math.floor((row - spread) * zoom) - top }
      const size = Math.ceil((block + 2 * spread) * zoom) + 1
      if (from.x + size <= 0 || from.y + size <= 0) continue
      if (from.x >= this.#element.width || from.y >= this.#element.height) continue
      this.#parts.push([from.x, from.y, size, size])
    }
    if (this.#parts.length > MAX_PARTS) this.#all = true
  }

  /** @param {number} now */
  #step(now) {
    this.#frame = 0
    const motion = this.#motion
    if (motion) {
      const ms = Math.max(0, now - this.#movedAt)
      this.#movedAt = now
      if (motion(ms) && this.#motion === motion) this.invalidate()
      else if (this.#motion === motion) this.settle()
    }
    this.#draw()
  }

  #draw() {
    if (this.#ratio !== devicePixelRatio) return this.#resize() // another monitor, which nothing else reports
    this.#collect()
    const { width, height } = this.#element
    const context = this.#context
    context.save()
    if (!this.#all) {
      context.beginPath()
      for (const part of this.#parts) context.rect(...part)
      context.clip()
    }
    this.#all = false
    this.#parts = []
    context.clearRect(0, 0, width, height)
    if (this.canvas && this.#drawLayers(this.canvas)) {
      this.#all = true
      this.#soon()
    }
    context.restore()
  }

  /**
   * @param {Canvas} canvas
   * @returns {boolean} whether a layer goes on changing
   */
  #drawLayers(canvas) {
    const ratio = this.#ratio
    const frame = frameOf(this.#view, ratio)
    // The picture's exact place, to a device pixel: layers have to match it.
    const view = { scale: this.#view.scale, left: frame.left / frame.zoom, top: frame.top / frame.zoom }
    this.#tiles?.draw(this.#context, frame)
    let goesOn = false
    for (const layer of this.#past?.layers ?? this.layers) {
      this.#context.save()
      this.#context.setTransform(ratio, 0, 0, ratio, 0, 0)
      if (layer(this.#context, view, canvas)) goesOn = true
      this.#context.restore()
    }
    return goesOn
  }
}

/**
 * @param {number} length  CSS pixels
 * @param {number} [told]  from the browser, which knows how it rounds
 */
function devicePixels(length, told) {
  const computed = Math.round(length * devicePixelRatio)
  // If the browser emulates a device, it may report the real device's value.
  return told && Math.abs(told - computed) <= 1 ? told : computed
}
