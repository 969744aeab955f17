/**
 * Printing: the canvas on one page with its title, without tools. The screen's own canvas has the window's size, and shows
 * only the visible part; so the page makes a picture of all pixels when the browser is about to print, and removes it
 * afterwards. The styles are in this file: a linked style sheet would be fetched at each load, and has to be there before
 * anybody prints.
 */

import { make } from './elements.js'

const LOOKS = [
  '@page { margin: 12mm; }',
  '@media print {',
  ':root:has(#sheet) { color-scheme: light; }', // the dark theme would give a black sheet, if the browser prints backgrounds
  'body:has(#sheet) { display: block; height: auto; padding: 0; overflow: visible; background: none; color: #000; }',
  'body:has(#sheet) > :not(#sheet) { display: none !important; }',
  '#sheet { display: flex; flex-direction: column; gap: 6mm; height: 97vh; break-inside: avoid; }',
  '#sheet h1 { flex: none; font-size: 20pt; text-align: center; overflow-wrap: anywhere; }',
  '#sheet canvas { flex: 1; min-height: 0; width: 100%; object-fit: contain; image-rendering: pixelated; print-color-adjust: exact; }',
  '}'
].join('\n')
const LEAST_PX = 2400 // along the longer side: 300 to the inch on 20 cm. Not every printer's driver enlarges without a blur

/** @param {() => import('../canvas/canvas.js').Canvas | null} shown  the canvas to print */
export function listenToPrinting(shown) {
  const looks = new CSSStyleSheet()
  looks.replaceSync(LOOKS)
  document.adoptedStyleSheets.push(looks)
  let sheet = /** @type {HTMLElement | null} */ (null)
  addEventListener('beforeprint', () => {
    const canvas = shown()
    if (!canvas) return
    sheet?.remove()
    sheet = make('div', { id: 'sheet' }, make('h1', { dir: 'auto' }, document.title), pictureOf(canvas))
    document.body.append(sheet)
  })
  addEventListener('afterprint', () => {
    sheet?.remove()
    sheet = null
  })
}

/**
 * @param {import('../canvas/canvas.js').Canvas} canvas
 */
function pictureOf({ width, height, indexes, colors }) {
  const image = new ImageData(width, height)
  const pixels = new Uint32Array(image.data.buffer)
  for (let at = 0; at < pixels.length; at++) pixels[at] = colors[indexes[at]]
  const small = make('canvas', { width, height })
  small.getContext('2d')?.putImageData(image, 0, 0)
  const factor = Math.max(1, Math.ceil(LEAST_PX / Math.max(width, height)))
  if (factor === 1) return small
  const large = make('canvas', { width: width * factor, height: height * factor })
  const context = large.getContext('2d')
  if (!context) return small
  context.imageSmoothingEnabled = false
  context.drawImage(small, 0, 0, large.width, large.height)
  return large
}
