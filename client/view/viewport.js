/**
 * The viewport: which part of the canvas is on the screen, and where. Arithmetic only.
 *
 * A view is immutable: `scale` is CSS pixels per canvas pixel; `left` and `top` are the canvas coordinates, in canvas
 * pixels, at the element's top left corner. A position on the screen is in CSS pixels from that corner, so
 *
 *     canvas = left + screen / scale          screen = (canvas - left) * scale
 *
 * Pure; imports nothing.
 */

/** @typedef {{ readonly scale: number, readonly left: number, readonly top: number }} View */
/** @typedef {{ readonly width: number, readonly height: number }} Size */
/** @typedef {{ readonly x: number, readonly y: number }} Point */
/** @typedef {Readonly<{ top: number, right: number, bottom: number, left: number }>} Insets */

/**
 * A view as it is drawn: on whole device pixels, so that panning moves the picture as it is.
 *
 *     device = canvas * zoom - left
 *
 * @typedef {{ readonly zoom: number, readonly left: number, readonly top: number }} Frame
 */

/** A canvas pixel is at most as large as a fingertip; larger shows nothing more. */
export const MAX_SCALE = 64

/** Zoomed out, the canvas shrinks to this part of the size that fits: its edges are visible, and it never gets lost as a dot. */
const MIN_PART_OF_FIT = 0.5

/**
 * The view that shows the whole canvas in the middle of the space between the insets.
 *
 * @param {Size} screen  CSS pixels
 * @param {Size} canvas  canvas pixels
 * @param {Insets} insets  CSS pixels
 * @returns {View}
 */
export function fitView(screen, canvas, insets) {
  const freeWidth = Math.max(1, screen.width - insets.left - insets.right)
  const freeHeight = Math.max(1, screen.height - insets.top - insets.bottom)
  const scale = Math.min(MAX_SCALE, freeWidth / canvas.width, freeHeight / canvas.height)
  return {
    scale,
    left: canvas.width / 2 - (insets.left + freeWidth / 2) / scale,
    top: canvas.height / 2 - (insets.top + freeHeight / 2) / scale
  }
}

/**
 * The same view moved as little as needed to keep some canvas under the middle of the screen, at an allowed scale.
 *
 * @param {View} view
 * @param {Size} screen
 * @param {Size} canvas
 * @returns {View}
 */
export function clampView(view, screen, canvas) {
  const fit = Math.min(screen.width / canvas.width, screen.height / canvas.height)
  const scale = clamp(view.scale, Math.min(MAX_SCALE, fit * MIN_PART_OF_FIT), MAX_SCALE)
  const middle = { x: screen.width / 2, y: screen.height / 2 }
  const zoomed = zoomView(view, scale / view.scale, middle)
  return {
    scale,
    left: clamp(zoomed.left, -middle.x / scale, canvas.width - middle.x / scale),
    top: clamp(zoomed.top, -middle.y / scale, canvas.height - middle.y / scale)
  }
}

/**
 * Zoom by a factor; the point under the screen position `at` stays there. Factors that lead past the allowed scales are cut
 * before zooming, so that zooming against the limit doesn't slide the picture.
 *
 * @param {View} view
 * @param {number} factor
 * @param {Point} at
 * @param {Size} [screen]
 * @param {Size} [canvas]
 * @returns {View}
 */
export function zoomView(view, factor, at, screen, canvas) {
  let scale = view.scale * factor
  if (screen && canvas) {
    const fit = Math.min(screen.width / canvas.width, screen.height / canvas.height)
    scale = clamp(scale, Math.min(MAX_SCALE, fit * MIN_PART_OF_FIT), MAX_SCALE)
  }
  return {
    scale,
    left: view.left + at.x / view.scale - at.x / scale,
    top: view.top + at.y / view.scale - at.y / scale
  }
}

/**
 * Drag the canvas by `dx`, `dy` CSS pixels.
 *
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 * @returns {View}
 */
export function panView(view, dx, dy) {
  return { scale: view.scale, left: view.left - dx / view.scale, top: view.top - dy / view.scale }
}

/**
 * Two fingers moved from two positions to two others: the point under their middle stays there, and the scale follows their
 * distance.
 *
 * @param {View} view
 * @param {readonly [Point, Point]} from
 * @param {readonly [Point, Point]} to
 * @param {Size} screen
 * @param {Size} canvas
 * @returns {View}
 */
export function pinchView(view, from, to, screen, canvas) {
  const before = middleOf(from)
  const after = middleOf(to)
  // Fingers that start on one spot would divide by nearly nothing; 10 px is closer than two fingertips get.
  const factor = Math.max(10, distance(to)) / Math.max(10, distance(from))
  return zoomView(panView(view, after.x - before.x, after.y - before.y), factor, after, screen, canvas)
}

/**
 * The canvas pixel at a screen position, or null beside the canvas.
 *
 * @param {View} view
 * @param {Point} at
 * @param {Size} canvas
 * @returns {Point | null}
 */
export function pixelAt(view, at, canvas) {
  const x = Math.floor(view.left + at.x / view.scale)
  const y = Math.floor(view.top + at.y / view.scale)
  return x >= 0 && y >= 0 && x < canvas.width && y < canvas.height ? { x, y } : null
}

/**
 * The screen position of the middle of a canvas pixel.
 *
 * @param {View} view
 * @param {Point} pixel
 * @returns {Point}
 */
export function screenOf(view, pixel) {
  return { x: (pixel.x + 0.5 - view.left) * view.scale, y: (pixel.y + 0.5 - view.top) * view.scale }
}

/**
 * The canvas pixels that the screen shows at least in part, half-open; empty when it shows none.
 *
 * @param {View} view
 * @param {Size} screen
 * @param {Size} canvas
 */
export function visiblePart(view, screen, canvas) {
  const left = clamp(Math.floor(view.left), 0, canvas.width)
  const top = clamp(Math.floor(view.top), 0, canvas.height)
  const right = clamp(Math.ceil(view.left + screen.width / view.scale), left, canvas.width)
  const bottom = clamp(Math.ceil(view.top + screen.height / view.scale), top, canvas.height)
  return { x: left, y: top, width: right - left, height: bottom - top }
}

/**
 * @param {View} view
 * @param {number} ratio  device pixels per CSS pixel
 * @returns {Frame}
 */
export function frameOf({ scale, left, top }, ratio) {
  const zoom = scale * ratio
  return { zoom, left: Math.round(left * zoom), top: Math.round(top * zoom) }
}

/**
 * The canvas pixels on the straight line between two, both included, without a gap (Bresenham).
 *
 * @param {Point} from
 * @param {Point} to
 * @returns {Point[]}
 */
export function line(from, to) {
  const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y))
  /** @param {number} a @param {number} b @param {number} i */
  const between = (a, b, i) => a + Math.round(((b - a) * i) / (steps || 1))
  return Array.from({ length: steps + 1 }, (_, i) => ({ x: between(from.x, to.x, i), y: between(from.y, to.y, i) }))
}

/**
 * @param {number} value
 * @param {number} low
 * @param {number} high
 */
function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high)
}

/** @param {readonly [Point, Point]} points */
function middleOf([a, b]) {
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
}

/** @param {readonly [Point, Point]} points */
function distance([a, b]) {
  return Math.hypot(a.x - b.x, a.y - b.y)
}
