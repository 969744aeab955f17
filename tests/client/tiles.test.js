import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Canvas } from '../../client/canvas/canvas.js'
import { Pyramid } from '../../client/view/pyramid.js'
import { Tiles, cuts } from '../../client/view/tiles.js'
import { Picture, numbers, provideCanvases, sample } from './pictures.js'

provideCanvases()

const palette = ['#ffffff', '#000000', '#ff8000', '#0040c3', '#80ff01']

/**
 * @param {number} width
 * @param {number} height
 */
function screenOf(width, height) {
  const screen = new Picture()
  Object.assign(screen, { width, height }).getContext()
  return screen
}

/**
 * Draw, and compare with each device pixel's canvas pixel, computed by itself.
 *
 * @param {Tiles} tiles
 * @param {Canvas} canvas
 * @param {import('../../client/view/viewport.js').Frame} frame
 */
function assertDrawn(tiles, canvas, frame) {
  const { zoom, left, top } = frame
  const screen = screenOf(90, 70)
  tiles.draw(/** @type {any} */ (screen), frame)
  const level = Math.max(0, Math.floor(-Math.log2(zoom)))
  const size = zoom * 2 ** level
  const pyramid = new Pyramid(canvas)
  const color = new Uint32Array(1)
  const at = (/** @type {number} */ x, /** @type {number} */ y) => {
    pyramid.copy(level, y, x, x + 1, color, 0)
    return color[0]
  }
  const [right, bottom] = [Math.round(canvas.width * zoom) - left, Math.round(canvas.height * zoom) - top]
  for (let y = 0; y < 70; y++) {
    for (let x = 0; x < 90; x++) {
      const inside = x >= -left && y >= -top && x < right && y < bottom
      const [u, v] = [(x + 0.5 + left) / size + 1 / 1024, (y + 0.5 + top) / size + 1 / 1024]
      const expected = inside ? sample(at, u, v, zoom < 1) : 0
      if (!alike(screen.pixels[y * 90 + x], expected)) assert.fail(`at ${x}, ${y} of ${JSON.stringify(frame)}`)
    }
  }
}

/**
 * The same colour, except for rounding.
 *
 * @param {number} a
 * @param {number} b
 */
function alike(a, b) {
  return a === b || [0, 8, 16, 24].every((shift) => Math.abs(((a >>> shift) & 255) - ((b >>> shift) & 255)) <= 1)
}

test('whatever the view, each device pixel has the colour of the canvas pixel that it shows', () => {
  const next = numbers(3)
  const canvas = new Canvas(1100, 620, palette)
  canvas.load(Uint8Array.from({ length: 1100 * 620 }, () => next(palette.length)))
  const tiles = new Tiles(canvas)
  tiles.update(canvas.takeChanges())
  for (const zoom of [0.031, 0.25, 0.3, 0.5, 0.77, 1, 1.25, 1.5, 2, 3.3, 12.5, 64, 192]) {
    for (let i = 0; i < 6; i++) {
      // Around the corners of tiles and of the canvas, where it could go wrong.
      const [x, y] = [[0, 512, 1024, 1100, 30, 700][next(6)], [0, 512, 620, 200][next(4)]]
      assertDrawn(tiles, canvas, { zoom, left: Math.round(x * zoom) - next(90), top: Math.round(y * zoom) - next(70) })
    }
  }
})

test('after edits, seen or not at the time, what is drawn is the canvas as it is now', () => {
  const next = numbers(4)
  const canvas = new Canvas(1030, 520, palette)
  const tiles = new Tiles(canvas)
  const corners = [0, 511, 512, 1023, 1029]
  for (let i = 0; i < 150; i++) {
    const edits = Array.from({ length: 30 }, () => {
      const near = (/** @type {number} */ side) => Math.min(side - 1, Math.max(0, corners[next(5)] + next(5) - 2))
      return [near(1030), near(520), next(palette.length)]
    })
    canvas.apply(Uint16Array.from(edits.flat()))
    tiles.update(canvas.takeChanges())
    const zoom = [0.2, 0.5, 0.93, 1, 2.5, 20][next(6)]
    const [x, y] = [corners[next(5)], corners[next(3)]]
    assertDrawn(tiles, canvas, { zoom, left: Math.round(x * zoom) - next(90), top: Math.round(y * zoom) - next(70) })
  }
})

test('an edit that is seen fills a pixel, and paints no tile anew', () => {
  const canvas = new Canvas(600, 100, palette)
  const tiles = new Tiles(canvas)
  tiles.update(canvas.takeChanges())
  const screen = screenOf(90, 70)
  tiles.draw(/** @type {any} */ (screen), { zoom: 1, left: 0, top: 0 })
  const made = countImages(() => {
    canvas.apply(Uint16Array.from([5, 6, 3]))
    tiles.update(canvas.takeChanges())
    tiles.draw(/** @type {any} */ (screen), { zoom: 1, left: 0, top: 0 })
  })
  assert.equal(made, 0)
  assert.equal(screen.pixels[6 * 90 + 5], canvas.colors[3])
})

test('edits that are not seen paint nothing', () => {
  const canvas = new Canvas(1100, 1100, palette)
  const tiles = new Tiles(canvas)
  const screen = screenOf(90, 70)
  tiles.draw(/** @type {any} */ (screen), { zoom: 1, left: 0, top: 0 })
  canvas.takeChanges()
  const made = countImages(() => {
    for (let x = 600; x < 1000; x++) canvas.apply(Uint16Array.from([x, 900, 1]))
    tiles.update(canvas.takeChanges())
    tiles.draw(/** @type {any} */ (screen), { zoom: 1, left: 0, top: 0 })
  })
  assert.equal(made, 0)
})

test('tiles that were seen long ago are given up', () => {
  const canvas = new Canvas(4096, 4096, palette)
  const tiles = new Tiles(canvas)
  const screen = screenOf(90, 70)
  const look = (/** @type {number} */ i) =>
    tiles.draw(/** @type {any} */ (screen), { zoom: 1, left: (i % 8) * 512 + 100, top: (i >> 3) * 512 + 100 })
  for (let i = 0; i < 64; i++) look(i)
  assert.equal(countImages(() => look(63)), 0)
  assert.equal(countImages(() => look(50)), 0)
  assert.equal(countImages(() => look(0)), 1)
})

test('cuts cover what is seen of the canvas once, in order, each in its tile', () => {
  const next = numbers(5)
  for (let i = 0; i < 3_000; i++) {
    const zoom = 0.5 + next(4000) / 100
    const canvas = 1 + next(4096)
    const [origin, screen] = [next(400_000) - 2_000, 1 + next(3_000)]
    const parts = cuts(origin, screen, canvas * zoom, 512 * zoom)
    const end = Math.min(screen, Math.round(canvas * zoom) - origin)
    let at = Math.max(0, -origin)
    for (const { tile, from, to } of parts) {
      assert.equal(from, at)
      assert.ok(to > from)
      assert.ok(Math.round(tile * 512 * zoom) - origin <= from && to <= Math.round((tile + 1) * 512 * zoom) - origin)
      at = to
    }
    assert.equal(at, Math.max(at, end))
  }
})

/** @param {() => void} act */
function countImages(act) {
  const original = globalThis.ImageData
  let made = 0
  globalThis.ImageData = /** @type {any} */ (
    class extends original {
      /** @param {number} width @param {number} height */
      constructor(width, height) {
        super(width, height)
        made++
      }
    }
  )
  act()
  globalThis.ImageData = original
  return made
}
