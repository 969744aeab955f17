/**
 * Protected areas, drawn as outlines with a lock: all of them for moderators; for everybody else, for a moment, the area in
 * which the server refused their edit. A layer of `screen.js`. The page loads it when there is one to draw.
 */

import { visiblePart } from './viewport.js'

/** @typedef {import('./area.js').Rectangle} Rectangle */
/** @typedef {import('./viewport.js').View} View */

const SHOWN_MS = 3_000 // a refusal has to be found by the eye first, and then an area understood
const LINES = /** @type {const} */ ([[5, '#fff'], [2.5, '#9a3412']])
const LOCK_PX = 16
const LEAST_PX = 24 // the side of an area with a lock: it would hide a smaller one

export class ProtectedAreas {
  #screen
  #areas = /** @type {Rectangle[]} */ ([])
  #moment = /** @type {{ area: Rectangle, since: number } | null} */ (null)
  #now

  /**
   * @param {{ layers: import('./screen.js').Layer[], invalidate: () => void }} screen  shows them
   * @param {() => number} [now]  milliseconds
   */
  constructor(screen, now = () => performance.now()) {
    this.#screen = screen
    this.#now = now
    screen.layers.push(this.#layer)
  }

  /**
   * Show these from now on.
   * @param {Rectangle[]} areas
   */
  show(areas) {
    this.#areas = areas
    this.#screen.invalidate()
  }

  /**
   * Show an area for a moment, in the place of the one before.
   * @param {unknown} told  [x, y, width, height], as the server has it
   */
  point(told) {
    const [x, y, width, height] = Array.isArray(told) ? told : []
    if (![x, y, width, height].every(Number.isInteger)) return
    this.#moment = { area: { x, y, width, height }, since: this.#now() }
    this.#screen.invalidate()
  }

  /** @type {import('./screen.js').Layer} */
  #layer = (context, view, canvas) => {
    const { width, height } = context.canvas
    const seen = visiblePart(view, { width: width / devicePixelRatio, height: height / devicePixelRatio }, canvas)
    for (const area of this.#areas) if (meet(area, seen)) draw(context, view, area)
    if (!this.#moment) return false
    const age = (this.#now() - this.#moment.since) / SHOWN_MS
    if (age >= 1) this.#moment = null
    else {
      context.globalAlpha = Math.min(1, 2 - 2 * age) // whole for the first half
      draw(context, view, this.#moment.area)
      context.globalAlpha = 1
    }
    return this.#moment !== null
  }
}

/**
 * @param {Rectangle} a
 * @param {Rectangle} b
 */
function meet(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 * @param {Rectangle} area
 */
function draw(context, view, { x, y, width, height }) {
  const box = { x: (x - view.left) * view.scale, y: (y - view.top) * view.scale, width: width * view.scale, height: height * view.scale }
  for (const [line, color] of LINES) {
    context.lineWidth = line
    context.strokeStyle = color
    context.strokeRect(box.x, box.y, box.width, box.height)
  }
  if (Math.min(box.width, box.height) >= LEAST_PX) lock(context, box.x, box.y)
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {number} x
 * @param {number} y
 */
function lock(context, x, y) {
  context.fillStyle = LINES[1][1]
  context.fillRect(x, y, LOCK_PX, LOCK_PX)
  context.fillStyle = '#fff'
  context.fillRect(x + 4, y + 7, 8, 6)
  context.lineWidth = 1.5
  context.strokeStyle = '#fff'
  context.beginPath()
  context.arc(x + 8, y + 7, 2.75, Math.PI, 0)
  context.stroke()
}
