/**
 * Pointers on the canvas, mouse, pen and touch alike: drag pans, and slides on when let go; two fingers pinch; the wheel
 * zooms, always, as on maps; a click or tap is a tap; held, with Alt or the middle button it picks.
 *
 *     none ── down ──► press ── moved too far ──► pan, draw (drawing, or Shift and the mouse) or drag (what is claimed)
 *                       │  │ held                  │
 *                       │  ▼                       ▼
 *                       │ picked                 second finger ──► pinch ── one lifts ──► pan
 *                       └── up: a tap
 *
 * A tap is never kept waiting for a second one. `tap` returns whether it was of use; only after a useless one, because
 * pixels are too small to aim at, a second tap soon and close by is a double tap.
 */

import { Trail } from './inertia.js'

/** @typedef {import('./viewport.js').Point} Point */

/**
 * The effects of gestures, other than moving the view. Positions are CSS pixels from the element's top left corner.
 * @typedef {object} Gestures
 * @property {(at: Point, touch: boolean) => boolean} tap  whether it painted: then no double tap begins with it
 * @property {(at: Point, touch: boolean) => void} doubleTap
 * @property {(at: Point | null, touch: boolean) => void} hover  null: the pointer has left
 * @property {(at: Point, held: boolean) => void} pick  `held`: by a long press
 * @property {() => boolean} drawing  whether one pointer's drag draws instead of panning
 * @property {(at: Point, phase: 'start' | 'move' | 'end') => void} draw
 * @property {{ claims(at: Point): boolean, move(dx: number, dy: number, at: Point): void, end(): void }} [drag]  something
 *   that a pointer can drag: whether it is at a place, how far the pointer moved it and where the pointer is, and its
 *   release
 */

/** How far a press may slip and still be a tap: a hand on a mouse's button shakes, a pen's tip slides, a fingertip rolls. */
const SLOP_PX = /** @type {Record<string, number>} */ ({ mouse: 4, pen: 10, touch: 10 })
const HELD_MS = 450
const DOUBLE_MS = 300
const DOUBLE_PX = 30
const WHEEL_PX_PER_DOUBLING = 240 // two notches of a usual wheel double the size
const PINCH_PX_PER_DOUBLING = 69 // browsers report a trackpad's pinch as 100 times the factor's logarithm, with ctrlKey
const NOTCH_PX = 50 // a wheel's notch is larger, a trackpad's steps are smaller
const WHEEL_UNITS_PX = [1, 33, 240] // a pixel, a line, a page

/**
 * @param {HTMLElement} element
 * @param {Pick<import('./screen.js').Screen, 'pan' | 'pinch' | 'zoom' | 'fling' | 'settle'>} screen
 * @param {Gestures} gestures
 */
export function listenToGestures(element, screen, gestures) {
  /** @type {Map<number, Point>} */
  const pointers = new Map()
  let mode = /** @type {'none' | 'press' | 'picked' | 'pan' | 'draw' | 'drag' | 'pinch'} */ ('none')
  let start = { x: 0, y: 0 }
  let claimed = false
  let trail = new Trail()
  let holding = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
  let useless = { at: start, time: -Infinity } // the last tap that was of no use

  /** @param {MouseEvent} event */
  const place = (event) => {
    const box = element.getBoundingClientRect()
    return { x: event.clientX - box.left, y: event.clientY - box.top }
  }

  /** @param {Point} a @param {Point} b */
  const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y)

  /** @param {Point} at  what one pointer did ends there */
  const finish = (at) => {
    clearTimeout(holding)
    if (mode === 'draw') gestures.draw(at, 'end')
    if (mode === 'drag') gestures.drag?.end()
  }

  /** @param {PointerEvent} event */
  const tap = ({ altKey, pointerType, timeStamp }) => {
    const touch = pointerType === 'touch'
    if (altKey) return gestures.pick(start, false)
    const double = timeStamp - useless.time < DOUBLE_MS && apart(start, useless.at) < DOUBLE_PX
    useless = { at: start, time: -Infinity }
    if (double) return gestures.doubleTap(start, touch)
    gestures.hover(start, touch)
    if (!gestures.tap(start, touch)) useless.time = timeStamp
  }

  element.addEventListener('pointerdown', (event) => {
    if (event.button === 1) return gestures.pick(place(event), false)
    if (event.button || pointers.size >= 2) return
    screen.settle()
    element.setPointerCapture(event.pointerId)
    start = place(event)
    finish(pointers.values().next().value ?? start)
    pointers.set(event.pointerId, start)
    mode = pointers.size === 1 ? 'press' : 'pinch'
    if (mode === 'pinch') return
    trail = new Trail()
    claimed = gestures.drag?.claims(start) ?? false
    if (event.pointerType === 'mouse') return
    holding = setTimeout(() => {
      mode = 'picked'
      navigator.vibrate?.(10)
      gestures.pick(start, true)
    }, HELD_MS)
  })

  element.addEventListener('pointermove', (event) => {
    const at = place(event)
    const touch = event.pointerType === 'touch'
    const before = pointers.get(event.pointerId)
    if (!touch && (!before || mode === 'draw')) gestures.hover(at, false)
    if (!before) return
    if (mode === 'press') {
      if (apart(at, start) <= (SLOP_PX[event.pointerType] ?? SLOP_PX.touch)) return
      clearTimeout(holding)
      const draws = gestures.drawing() || (event.shiftKey && event.pointerType === 'mouse')
      mode = claimed ? 'drag' : draws ? 'draw' : 'pan'
      if (mode === 'draw') gestures.draw(start, 'start')
    }
    const from = [...pointers.values()]
    pointers.set(event.pointerId, at)
    const to = [...pointers.values()]
    trail.add(at, event.timeStamp)
    if (mode === 'pinch') screen.pinch([from[0], from[1]], [to[0], to[1]])
    else if (mode === 'pan') screen.pan(at.x - before.x, at.y - before.y)
    else if (mode === 'drag') gestures.drag?.move(at.x - before.x, at.y - before.y, at)
    else if (mode === 'draw') {
      const moves = event.getCoalescedEvents?.() ?? []
      for (const move of moves.length ? moves : [event]) gestures.draw(place(move), 'move')
    }
  })

  /** @param {PointerEvent} event */
  const lift = (event) => {
    if (!pointers.delete(event.pointerId)) return
    finish(place(event))
    const did = mode
    mode = pointers.size ? 'pan' : 'none'
    if (pointers.size) trail = new Trail()
    if (event.type !== 'pointerup') return
    if (did === 'press') tap(event)
    else if (did === 'pan') {
      const { x, y } = trail.speed(event.timeStamp)
      if (x || y) screen.fling(x, y)
    }
  }
  element.addEventListener('pointerup', lift)
  element.addEventListener('pointercancel', lift)

  element.addEventListener('pointerleave', (event) => {
    if (event.pointerType !== 'touch') gestures.hover(null, false)
  })

  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault()
      const px = event.deltaY * WHEEL_UNITS_PX[event.deltaMode]
      const notch = Math.abs(px) >= NOTCH_PX
      const doublings = px / (event.ctrlKey && !notch ? PINCH_PX_PER_DOUBLING : WHEEL_PX_PER_DOUBLING)
      if (!notch) screen.settle()
      screen.zoom(2 ** -Math.max(-1, Math.min(1, doublings)), place(event), notch)
    },
    { passive: false }
  )

  // A long press would open the browser's menu in the middle of a drag.
  element.addEventListener('contextmenu', (event) => event.preventDefault())
}
