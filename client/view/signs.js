/**
 * A sign for each colour, so that colours that look alike can be told apart: its number in the palette, from 1 on, which is
 * also its key. On the pixels of the canvas where these are large enough; on the swatches style.css does it. A layer for
 * `screen.js`. Loaded when first asked for.
 */

import { visiblePart } from './viewport.js'

/** Smaller pixels have no room for a sign, in CSS pixels; it also bounds how many are drawn. */
const MIN_SCALE = 16

/**
 * Black or white, whichever is read better on a colour (WCAG 2's relative luminance, gamma 2.2).
 * @param {string} color  '#rrggbb'
 */
export function inkOn(color) {
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(color.slice(at, at + 2), 16) / 255) ** 2.2)
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? '#000' : '#fff'
}

/**
 * @param {() => string[]} palette  '#rrggbb'
 * @returns {import('./screen.js').Layer}
 */
export function signsLayer(palette) {
  return (context, view, canvas) => {
    if (view.scale < MIN_SCALE) return
    const { width, height } = context.canvas
    const part = visiblePart(view, { width: width / devicePixelRatio, height: height / devicePixelRatio }, canvas)
    const inks = palette().map(inkOn)
    context.font = `${Math.round(view.scale * 0.5)}px system-ui, sans-serif`
    context.textAlign = 'center'
    context.textBaseline = 'middle'
    for (let y = part.y; y < part.y + part.height; y++) {
      for (let x = part.x; x < part.x + part.width; x++) {
        const color = canvas.at(x, y)
        if (!color) continue // the blank colour needs none
        context.fillStyle = inks[color]
        context.fillText(`${color + 1}`, (x + 0.5 - view.left) * view.scale, (y + 0.5 - view.top) * view.scale)
      }
    }
  }
}
