/**
 * Templates, as the page uses them. The page loads this at its first use.
 */

import { Templates } from './templates.js'

/**
 * The parts of the page that templates need.
 * @typedef {object} Page
 * @property {() => import('../canvas/canvas.js').Canvas | null} canvas
 * @property {() => string[]} palette  '#rrggbb'
 * @property {() => import('../view/viewport.js').View} view
 * @property {() => import('../view/viewport.js').Point} middle  the canvas position in the middle of the space between bars
 *   and panel
 * @property {() => void} invalidate  draw again
 * @property {(x: number, y: number, scale: number) => void} lookAt  a canvas pixel comes to the middle
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 * @property {() => string} link  the page's address with the position, without templates
 * @property {(some: boolean) => void} keeps  whether the browser keeps any; called whenever that may have changed
 */

/** @param {Page} page */
export async function createTemplates(page) {
  const templates = new Templates(page)
  await templates.load()
  return templates
}
