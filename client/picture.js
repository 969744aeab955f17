/**
 * The canvas, or a part of it, as a PNG to keep. Loaded when first asked for.
 */

import { make } from './elements.js'

const MAX_SIDE_PX = 8192 // browsers refuse larger canvases, some without a word

/** @typedef {import('./area.js').Rectangle} Rectangle */

/**
 * How often each pixel can be repeated, at most.
 * @param {Rectangle} area
 */
export function maxFactor({ width, height }) {
  return Math.max(1, Math.floor(MAX_SIDE_PX / Math.max(width, height)))
}

/**
 * @param {import('./canvas.js').Canvas} canvas
 * @param {string[]} palette  '#rrggbb'
 * @param {Rectangle} area  inside the canvas
 * @param {number} factor  1 to maxFactor(area): each pixel becomes factor x factor
 * @returns {Promise<Blob>}
 */
export async function pngOf(canvas, palette, area, factor) {
  const small = make('canvas', { width: area.width, height: area.height })
  const image = new ImageData(area.width, area.height)
  const rgb = palette.map((color) => parseInt(color.slice(1), 16))
  for (let i = 0; i < area.width * area.height; i++) {
    const at = (area.y + Math.floor(i / area.width)) * canvas.width + area.x + (i % area.width)
    const color = rgb[canvas.indexes[at]]
    image.data.set([color >> 16, (color >> 8) & 255, color & 255, 255], 4 * i)
  }
  small.getContext('2d')?.putImageData(image, 0, 0)
  const large = make('canvas', { width: area.width * factor, height: area.height * factor })
  const context = large.getContext('2d')
  if (!context) throw new Error('this browser has no 2D canvas')
  context.imageSmoothingEnabled = false
  context.drawImage(small, 0, 0, large.width, large.height)
  return new Promise((resolve, reject) => {
    large.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('this browser makes no PNG of it'))), 'image/png')
  })
}
