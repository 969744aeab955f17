import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  MAX_SCALE,
  clampView,
  fitView,
  frameOf,
  line,
  panView,
  pinchView,
  pixelAt,
  screenOf,
  visiblePart,
  zoomView
} from '../../client/view/viewport.js'
import { numbers } from './pictures.js'

const screen = { width: 400, height: 300 }
const canvas = { width: 1000, height: 500 }
const none = { top: 0, right: 0, bottom: 0, left: 0 }

/**
 * @param {number} actual
 * @param {number} expected
 */
const near = (actual, expected) => assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`)

/**
 * @param {import('../../client/view/viewport.js').View} view
 * @param {import('../../client/view/viewport.js').Point} at
 */
const canvasAt = (view, at) => [view.left + at.x / view.scale, view.top + at.y / view.scale]

test('fitting shows the whole canvas in the middle', () => {
  const view = fitView(screen, canvas, none)
  near(view.scale, 0.4)
  assert.deepEqual(canvasAt(view, { x: 200, y: 150 }), [500, 250])
})

test('fitting spares the bars', () => {
  const view = fitView(screen, canvas, { top: 60, right: 0, bottom: 140, left: 0 })
  near(view.scale, 0.2)
  near(canvasAt(view, { x: 200, y: 110 })[1], 250)
})

test('a canvas of one pixel is not blown up past the largest scale', () => {
  assert.equal(fitView(screen, { width: 1, height: 1 }, none).scale, MAX_SCALE)
})

test('a screen smaller than its bars still has a view', () => {
  assert.ok(fitView({ width: 10, height: 10 }, canvas, { top: 50, right: 50, bottom: 50, left: 50 }).scale > 0)
})

test('zooming keeps what is under the pointer', () => {
  const view = fitView(screen, canvas, none)
  const at = { x: 37, y: 211 }
  const zoomed = zoomView(view, 7.5, at, screen, canvas)
  near(zoomed.scale, view.scale * 7.5)
  near(canvasAt(zoomed, at)[0], canvasAt(view, at)[0])
  near(canvasAt(zoomed, at)[1], canvasAt(view, at)[1])
})

test('zooming against the stop moves nothing', () => {
  const view = { scale: MAX_SCALE, left: 100, top: 100 }
  assert.deepEqual(zoomView(view, 2, { x: 399, y: 1 }, screen, canvas), view)
})

test('dragging moves the canvas with the pointer', () => {
  const view = { scale: 4, left: 10, top: 10 }
  assert.deepEqual(canvasAt(panView(view, 30, -8), { x: 130, y: 92 }), canvasAt(view, { x: 100, y: 100 }))
})

test('pinching keeps what is between the fingers and follows their distance', () => {
  const view = { scale: 4, left: 100, top: 100 }
  const from = /** @type {const} */ ([{ x: 100, y: 100 }, { x: 200, y: 100 }])
  const to = /** @type {const} */ ([{ x: 120, y: 160 }, { x: 320, y: 160 }])
  const pinched = pinchView(view, from, to, screen, canvas)
  near(pinched.scale, 8)
  assert.deepEqual(canvasAt(pinched, { x: 220, y: 160 }), canvasAt(view, { x: 150, y: 100 }))
})

test('fingers on one spot do not make the scale infinite', () => {
  const spot = { x: 5, y: 5 }
  const pinched = pinchView({ scale: 1, left: 0, top: 0 }, [spot, spot], [spot, { x: 15, y: 5 }], screen, canvas)
  near(pinched.scale, 1)
})

test('the canvas never leaves the middle of the screen', () => {
  const view = clampView({ scale: 2, left: 5000, top: -9000 }, screen, canvas)
  assert.deepEqual(canvasAt(view, { x: 200, y: 150 }), [1000, 0])
})

test('the scale stays within its bounds', () => {
  assert.equal(clampView({ scale: 1e6, left: 0, top: 0 }, screen, canvas).scale, MAX_SCALE)
  near(clampView({ scale: 1e-6, left: 0, top: 0 }, screen, canvas).scale, 0.2)
})

test('every pixel is found at the place where it is drawn', () => {
  for (const scale of [0.3, 1, 2.7, 40]) {
    const view = { scale, left: -3.3, top: 12.9 }
    for (const pixel of [{ x: 0, y: 0 }, { x: 999, y: 499 }, { x: 17, y: 401 }]) {
      assert.deepEqual(pixelAt(view, screenOf(view, pixel), canvas), pixel)
    }
  }
})

test('beside the canvas there is no pixel', () => {
  const view = { scale: 10, left: -1, top: -1 }
  assert.equal(pixelAt(view, { x: 9.9, y: 20 }, canvas), null)
  assert.deepEqual(pixelAt(view, { x: 10, y: 10 }, canvas), { x: 0, y: 0 })
  assert.equal(pixelAt({ scale: 1, left: 999, top: 499 }, { x: 1, y: 0 }, canvas), null)
})

test('the visible part is what the screen shows, rounded outwards', () => {
  const part = visiblePart({ scale: 10, left: 5.5, top: -4 }, screen, canvas)
  assert.deepEqual(part, { x: 5, y: 0, width: 41, height: 26 })
  assert.equal(visiblePart({ scale: 10, left: 2000, top: 0 }, screen, canvas).width, 0)
})

const next = numbers(6)
const between = (/** @type {number} */ low, /** @type {number} */ high) => low + (next(2 ** 30) / 2 ** 30) * (high - low)
const place = () => ({ x: between(0, screen.width), y: between(0, screen.height) })

test('whatever is zoomed, panned and pinched, what is under the pointers stays there', () => {
  for (let i = 0; i < 2_000; i++) {
    const view = { scale: between(0.2, MAX_SCALE), left: between(-100, 1000), top: between(-100, 500) }
    const at = place()
    const under = canvasAt(view, at)
    const zoomed = zoomView(view, between(0.1, 10), at, screen, canvas)
    canvasAt(zoomed, at).forEach((value, side) => near(value, under[side]))
    const to = place()
    canvasAt(panView(view, to.x - at.x, to.y - at.y), to).forEach((value, side) => near(value, under[side]))
    const fingers = /** @type {const} */ ([at, place()])
    const moved = /** @type {const} */ ([place(), place()])
    const middle = (/** @type {readonly { x: number, y: number }[]} */ [a, b]) => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })
    const pinched = pinchView(view, fingers, moved, screen, canvas)
    const held = canvasAt(view, middle(fingers))
    canvasAt(pinched, middle(moved)).forEach((value, side) => near(value, held[side]))
  }
})

test('a clamped view is left as it is by clamping again, and has some canvas in the middle', () => {
  for (let i = 0; i < 500; i++) {
    const wild = { scale: 10 ** between(-4, 4), left: between(-9e3, 9e3), top: between(-9e3, 9e3) }
    const view = clampView(wild, screen, canvas)
    const again = clampView(view, screen, canvas)
    near(again.scale, view.scale)
    near(again.left, view.left)
    const [x, y] = canvasAt(view, { x: 200, y: 150 })
    assert.ok(x > -1e-6 && x < 1000 + 1e-6 && y > -1e-6 && y < 500 + 1e-6)
  }
})

test('a frame is within half a device pixel of its view', () => {
  for (let i = 0; i < 500; i++) {
    const view = { scale: between(0.1, MAX_SCALE), left: between(-99, 999), top: between(-99, 499) }
    const { zoom, left, top } = frameOf(view, 1.25)
    assert.equal(zoom, view.scale * 1.25)
    assert.ok(Number.isInteger(left) && Number.isInteger(top))
    assert.ok(Math.abs(left - view.left * zoom) <= 0.5 && Math.abs(top - view.top * zoom) <= 0.5)
  }
})

test('a line has no gap, ends where it should, and has no pixel twice', () => {
  for (let i = 0; i < 500; i++) {
    const point = () => ({ x: Math.floor(between(-40, 40)), y: Math.floor(between(-40, 40)) })
    const [from, to] = [point(), point()]
    const pixels = line(from, to)
    assert.deepEqual([pixels[0], pixels.at(-1)], [from, to])
    assert.equal(pixels.length, Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) + 1)
    for (let j = 1; j < pixels.length; j++) {
      const [dx, dy] = [pixels[j].x - pixels[j - 1].x, pixels[j].y - pixels[j - 1].y]
      assert.equal(Math.max(Math.abs(dx), Math.abs(dy)), 1)
    }
    // Never further than half a pixel from the line.
    const length = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y)) || 1
    for (const [j, { x, y }] of pixels.entries()) {
      assert.ok(Math.abs(from.x + ((to.x - from.x) * j) / length - x) <= 0.5)
      assert.ok(Math.abs(from.y + ((to.y - from.y) * j) / length - y) <= 0.5)
    }
  }
})

test('a line from a pixel to itself is that pixel', () => {
  assert.deepEqual(line({ x: 3, y: 4 }, { x: 3, y: 4 }), [{ x: 3, y: 4 }])
})
