/**
 * Pointers on the canvas: drag pans, two fingers pinch, the wheel zooms, a click or tap is a tap. Mouse, pen and
 * touch alike.
 *
 *     none ── down ──► one ── moved too far ──► dragging
 *                       │ second finger            │
 *                       ▼                          ▼
 *                    pinching ◄────────────────────┘      a tap is `one` that ends, nothing else
 */

/** @typedef {import('./viewport.js').Point} Point */

/**
 * What gestures do. Positions are CSS pixels from the element's top left corner.
 * @typedef {object} Gestures
 * @property {(at: Point, touch: boolean) => void} tap
 * @property {(dx: number, dy: number) => void} pan
 * @property {(from: [Point, Point], to: [Point, Point]) => void} pinch
 * @property {(factor: number, at: Point) => void} zoom
 * @property {(at: Point | null, touch: boolean) => void} hover  null: the pointer has left
 */

const MOUSE_SLOP_PX = 4 // a hand on a mouse button shakes this much
const TOUCH_SLOP_PX = 10 // a fingertip rolls this much
const WHEEL_LINE_PX = 20
const WHEEL_PX_PER_DOUBLING = 240 // two notches of a usual wheel double the size

/**
 * @param {HTMLElement} element
 * @param {Gestures} gestures
 */
export function listenToGestures(element, gestures) {
  /** @type {Map<number, Point>} */
  const pointers = new Map()
  let tapping = false
  let start = { x: 0, y: 0 }

  /** @param {MouseEvent} event */
  const place = (event) => {
    const box = element.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }

  element.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0) return
    if (pointers.size >= 2) return
    element.setPointerCapture(event.pointerId)
    start = place(event)
    pointers.set(event.pointerId, start)
    tapping = pointers.size === 1
  })

  element.addEventListener('pointermove', (event) => {
    const at = place(event)
    const touch = event.pointerType === 'touch'
    const before = pointers.get(event.pointerId)
    if (!before) {
      if (!touch) gestures.hover(at, false)
      return
    }
    if (tapping && Math.hypot(at.x - start.x, at.y - start.y) <= (touch ? TOUCH_SLOP_PX : MOUSE_SLOP_PX)) return
    tapping = false
    const from = [...pointers.values()]
    pointers.set(event.pointerId, at)
    const to = [...pointers.values()]
    if (to.length === 2) gestures.pinch([from[0], from[1]], [to[0], to[1]])
    else gestures.pan(at.x - before.x, at.y - before.y)
  })

  element.addEventListener('pointerup', (event) => {
    const touch = event.pointerType === 'touch'
    if (pointers.delete(event.pointerId) && tapping) {
      gestures.hover(start, touch)
      gestures.tap(start, touch)
    }
    tapping = false
  })

  element.addEventListener('pointercancel', (event) => {
    pointers.delete(event.pointerId)
    tapping = false
  })

  element.addEventListener('pointerleave', (event) => {
    if (event.pointerType !== 'touch') gestures.hover(null, false)
  })

  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault()
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE_PX : 1
      // A trackpad's pinch arrives as a wheel with ctrlKey and small deltas.
      const deltaPx = event.deltaY * unit * (event.ctrlKey ? 8 : 1)
      const boundedPx = Math.max(-WHEEL_PX_PER_DOUBLING, Math.min(WHEEL_PX_PER_DOUBLING, deltaPx))
      gestures.zoom(2 ** (-boundedPx / WHEEL_PX_PER_DOUBLING), place(event))
    },
    { passive: false }
  )

  // A long press would open the browser's menu in the middle of a drag.
  element.addEventListener('contextmenu', (event) => event.preventDefault())
}
