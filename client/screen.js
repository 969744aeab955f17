/**
 * Draws: the canvas as the view shows it, and layers over it. The one place that touches 2D contexts.
 *
 * One dirty flag and one requestAnimationFrame: whoever changes something that is seen calls `invalidate()`, and any
 * number of changes before the next frame are drawn once. A layer is a function that draws in CSS pixels over the
 * canvas.
 */

import { clampView, fitView, panView, pinchView, visiblePart, zoomView } from './viewport.js'

/** @typedef {import('./canvas.js').Canvas} Canvas */
/** @typedef {import('./viewport.js').View} View */
/** @typedef {import('./viewport.js').Point} Point */
/** @typedef {(context: CanvasRenderingContext2D, view: View) => void} Layer */

export class Screen {
  /** Drawn in order, above the canvas. */
  layers = /** @type {Layer[]} */ ([])

  /** What the page's bars cover, in CSS pixels: fitting the canvas spares it. */
  insets = { top: 0, right: 0, bottom: 0, left: 0 }

  #element
  #context
  #canvas = /** @type {Canvas | null} */ (null)
  #picture = document.createElement('canvas') // the canvas at one pixel per pixel
  #pictureContext = /** @type {CanvasRenderingContext2D | null} */ (null)
  #image = /** @type {ImageData | null} */ (null)
  #view = /** @type {View} */ ({ scale: 1, left: 0, top: 0 })
  #size = { width: 1, height: 1 }
  #fitted = true // nobody has moved the view yet: go on fitting when the window's size changes
  #dirty = false

  /** @param {HTMLCanvasElement} element */
  constructor(element) {
    this.#element = element
    const context = element.getContext('2d')
    if (!context) throw new Error('this browser has no 2D canvas')
    this.#context = context
    new ResizeObserver(() => this.#resize()).observe(element)
    this.#resize()
  }

  /** @returns {View} */
  get view() {
    return this.#view
  }

  /** @returns {Canvas | null} */
  get canvas() {
    return this.#canvas
  }

  /**
   * Show this canvas from now on. The view stays when the size is the same.
   * @param {Canvas} canvas
   */
  show(canvas) {
    const sameSize = this.#canvas?.width === canvas.width && this.#canvas.height === canvas.height
    this.#canvas = canvas
    this.#picture.width = canvas.width
    this.#picture.height = canvas.height
    this.#pictureContext = this.#picture.getContext('2d', { alpha: false })
    this.#image = new ImageData(canvas.rgba, canvas.width, canvas.height)
    if (!sameSize) this.fit()
    this.invalidate()
  }

  /** Something that is seen has changed. */
  invalidate() {
    if (this.#dirty) return
    this.#dirty = true
    requestAnimationFrame(() => {
      this.#dirty = false
      this.#draw()
    })
  }

  /** Show the whole canvas. */
  fit() {
    if (!this.#canvas) return
    this.#look(fitView(this.#size, this.#canvas, this.insets))
    this.#fitted = true
  }

  /**
   * @param {number} factor
   * @param {Point} [at]  CSS pixels; the middle of what the bars leave free when left out
   */
  zoom(factor, at = this.#middle()) {
    if (this.#canvas) this.#look(zoomView(this.#view, factor, at, this.#size, this.#canvas))
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
    if (this.#canvas) this.#look(pinchView(this.#view, from, to, this.#size, this.#canvas))
  }

  /** @param {View} view */
  #look(view) {
    if (!this.#canvas) return
    this.#view = clampView(view, this.#size, this.#canvas)
    this.#fitted = false
    this.invalidate()
  }

  #middle() {
    const { top, right, bottom, left } = this.insets
    return { x: (left + this.#size.width - right) / 2, y: (top + this.#size.height - bottom) / 2 }
  }

  #resize() {
    const { width, height } = this.#element.getBoundingClientRect()
    const [dx, dy] = [(width - this.#size.width) / 2, (height - this.#size.height) / 2]
    this.#size = { width: Math.max(1, width), height: Math.max(1, height) }
    if (this.#fitted) this.fit()
    else this.pan(dx, dy)
    this.invalidate()
  }

  #draw() {
    const canvas = this.#canvas
    if (!canvas || !this.#pictureContext || !this.#image) return
    for (const { x, y, width, height } of canvas.takeChanges()) {
      this.#pictureContext.putImageData(this.#image, 0, 0, x, y, width, height)
    }
    const dpr = devicePixelRatio
    const [width, height] = [Math.round(this.#size.width * dpr), Math.round(this.#size.height * dpr)]
    if (this.#element.width !== width) this.#element.width = width
    if (this.#element.height !== height) this.#element.height = height
    const context = this.#context
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, width, height)
    this.#drawCanvas(canvas, dpr)
    context.setTransform(dpr, 0, 0, dpr, 0, 0)
    for (const layer of this.layers) layer(context, this.#view)
  }

  /**
   * Only the visible part is drawn, with its edges on whole device pixels.
   *
   * @param {Canvas} canvas
   * @param {number} dpr
   */
  #drawCanvas(canvas, dpr) {
    const { scale, left, top } = this.#view
    const part = visiblePart(this.#view, this.#size, canvas)
    if (!part.width || !part.height) return
    const zoom = scale * dpr
    const x = Math.round((part.x - left) * zoom)
    const y = Math.round((part.y - top) * zoom)
    const right = Math.round((part.x + part.width - left) * zoom)
    const bottom = Math.round((part.y + part.height - top) * zoom)
    this.#context.imageSmoothingEnabled = zoom < 1 // shrunk, nearest neighbour would lose pixels and sparkle
    this.#context.imageSmoothingQuality = 'high'
    this.#context.drawImage(this.#picture, part.x, part.y, part.width, part.height, x, y, right - x, bottom - y)
  }
}
