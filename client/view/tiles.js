/**
 * The picture of the canvas in tiles, ready for drawing: the tiles that a view needs, at the pyramid's level that it needs.
 *
 * A tile is a small canvas of 512 x 512 pixels of its level and one more around them, so that neighbours join without a seam
 * wherever a device pixel falls. An edit is one `fillRect` in a visible tile; an invisible tile is only marked, and painted
 * again when it becomes visible. Memory: the visible tiles, 1 MB each, and `SPARE` more that were visible before; a screen
 * needs at most four times its own pixels, and never more than the canvas has, which is 64 MB for 4096 x 4096.
 */

import { Pyramid } from './pyramid.js'

/** @typedef {import('./viewport.js').Frame} Frame */
/** @typedef {{ context: CanvasRenderingContext2D, stale: boolean }} Tile */

const SHIFT = 9
const SIDE = 2 ** SHIFT
const SPARE = 16 // so that panning to and fro, or zooming out and in again, paints nothing twice
const MAX_FILLS = 2_000 // past so many changes at once, painting whole tiles is cheaper; a guess
const BIAS = 1 / 1024 // a pixel's edge that falls into the middle of a device pixel always goes to the same side

export class Tiles {
  #canvas
  #pyramid
  #tiles = /** @type {Map<string, Tile>} */ (new Map()) // the longest unseen first
  #level = 0 // what was drawn last

  /** @param {import('../canvas/canvas.js').Canvas} canvas */
  constructor(canvas) {
    this.#canvas = canvas
    this.#pyramid = new Pyramid(canvas)
  }

  /**
   * Pixels of the canvas have changed.
   * @param {Uint32Array | null} changes  see `Canvas.takeChanges`
   */
  update(changes) {
    if (!changes) {
      this.#pyramid.reset()
      for (const tile of this.#tiles.values()) tile.stale = true
      return
    }
    const levels = new Set([...this.#tiles.keys()].map(parseFloat))
    for (const change of changes) {
      const x = change % this.#canvas.width
      const y = (change - x) / this.#canvas.width
      this.#pyramid.update(x, y)
      for (const level of levels) {
        this.#change(level, x >> level, y >> level, changes.length <= MAX_FILLS && level === this.#level)
      }
    }
  }

  /**
   * @param {number} level
   * @param {number} x  in the level's pixels
   * @param {number} y
   * @param {boolean} fill  now, instead of painting the whole tile later
   */
  #change(level, x, y, fill) {
    // Smoothing reads past the canvas's edge, where its last pixels go on.
    const width = x < this.#pyramid.width(level) - 1 ? 1 : 2
    const height = y < this.#pyramid.height(level) - 1 ? 1 : 2
    for (let row = (y - 1) >> SHIFT; row <= (y + 1) >> SHIFT; row++) {
      for (let column = (x - 1) >> SHIFT; column <= (x + 1) >> SHIFT; column++) {
        const tile = this.#tiles.get(`${level} ${column} ${row}`)
        if (!tile || tile.stale) continue
        if (!fill) tile.stale = true
        else {
          tile.context.fillStyle = this.#pyramid.css(level, x, y)
          tile.context.fillRect(x - column * SIDE + 1, y - row * SIDE + 1, width, height)
        }
      }
    }
  }

  /**
   * Draw the visible part.
   *
   * @param {CanvasRenderingContext2D} context  without a transformation
   * @param {Frame} frame
   */
  draw(context, { zoom, left, top }) {
    const { width, height } = this.#canvas
    const level = Math.max(0, Math.floor(-Math.log2(zoom)))
    const size = zoom * 2 ** level // of a level's pixel, in device pixels: more than a half
    this.#level = level
    context.imageSmoothingEnabled = zoom < 1
    let seen = 0
    for (const row of cuts(top, context.canvas.height, height * zoom, SIDE * size)) {
      for (const column of cuts(left, context.canvas.width, width * zoom, SIDE * size)) {
        seen++
        context.drawImage(
          this.#tile(level, column.tile, row.tile).context.canvas,
          (column.from + left) / size - column.tile * SIDE + 1 + BIAS,
          (row.from + top) / size - row.tile * SIDE + 1 + BIAS,
          (column.to - column.from) / size,
          (row.to - row.from) / size,
          column.from,
          row.from,
          column.to - column.from,
          row.to - row.from
        )
      }
    }
    for (const key of this.#tiles.keys()) {
      if (this.#tiles.size <= seen + SPARE) break
      this.#tiles.delete(key)
    }
  }

  /**
   * @param {number} level
   * @param {number} column
   * @param {number} row
   */
  #tile(level, column, row) {
    const key = `${level} ${column} ${row}`
    const tile = this.#tiles.get(key) ?? this.#make(level, column, row)
    this.#tiles.delete(key)
    this.#tiles.set(key, tile)
    if (tile.stale) this.#paint(tile, level, column, row)
    return tile
  }

  /**
   * @param {number} level
   * @param {number} column
   * @param {number} row
   * @returns {Tile}
   */
  #make(level, column, row) {
    const canvas = document.createElement('canvas')
    canvas.width = Math.min(SIDE, this.#pyramid.width(level) - column * SIDE) + 2
    canvas.height = Math.min(SIDE, this.#pyramid.height(level) - row * SIDE) + 2
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false }))
    return { context, stale: true }
  }

  /**
   * @param {Tile} tile
   * @param {number} level
   * @param {number} column
   * @param {number} row
   */
  #paint(tile, level, column, row) {
    const { width, height } = tile.context.canvas
    const image = new ImageData(width, height)
    const pixels = new Uint32Array(image.data.buffer)
    const left = column * SIDE - 1
    for (let y = 0; y < height; y++) this.#pyramid.copy(level, row * SIDE - 1 + y, left, left + width, pixels, y * width)
    tile.context.putImageData(image, 0, 0)
    tile.stale = false
  }
}

/**
 * Cut the visible part of one side of the canvas into tiles, on whole device pixels.
 *
 * @param {number} origin  of the screen, from the canvas's
 * @param {number} screen  length, as all in device pixels
 * @param {number} canvas
 * @param {number} step  of a tile
 */
export function cuts(origin, screen, canvas, step) {
  const parts = []
  const end = Math.min(screen, Math.round(canvas) - origin)
  for (let from = Math.max(0, -origin), to; from < end; from = to) {
    const tile = Math.floor((from + origin + 0.5) / step)
    to = Math.min(end, Math.round((tile + 1) * step) - origin)
    parts.push({ tile, from, to })
  }
  return parts
}
