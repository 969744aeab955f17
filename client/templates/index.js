/**
 * Templates, as the page uses them: loaded when they are first wanted.
 */

import { Templates } from './templates.js'

/**
 * What templates need of the page.
 * @typedef {object} Page
 * @property {() => import('../canvas/canvas.js').Canvas | null} canvas
 * @property {() => string[]} palette  '#rrggbb'
 * @property {() => import('../view/viewport.js').View} view
 * @property {() => import('../view/viewport.js').Point} middle  the canvas position in the middle of what bars and panel leave free
 * @property {() => void} invalidate  draw again
 * @property {(x: number, y: number, scale: number) => void} lookAt  a canvas pixel comes to the middle
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 * @property {() => string} link  the page's address with the position, without templates
 * @property {(some: boolean) => void} keeps  whether the browser keeps any, told whenever that may have changed
 */

/** @param {Page} page */
export async function createTemplates(page) {
  const templates = new Templates(page)
  await templates.load()
  return templates
}
