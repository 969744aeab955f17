/**
 * The page's state, read-only, for tests and the curious:
 *
 *     placed.connection                'connecting' | 'catching-up' | 'live' | 'read-only' | 'offline'
 *     placed.lag, placed.viewers       versions that the canvas is behind, and who watches; viewers null before it was told
 *     placed.version, placed.log       of the canvas shown; -1 and null before the first
 *     placed.width, placed.height      canvas pixels
 *     placed.indexes()                 a copy of the palette indexes, row by row
 *     placed.ownPixels()               those on their way: [{ id, x, y, color, state }]
 *     placed.charges                   edits that the server would admit now; null without a cooldown
 *     placed.color                     the chosen palette index
 *     placed.view                      { scale, left, top }, see viewport.js
 *     placed.past                      null while the time line is closed; else { moment, now, playing, version, ready }
 *     placed.shown()                   as indexes(), of the canvas that is shown: the past one's while a moment is looked at
 *     placed.screenOf(x, y)            where the middle of a canvas pixel is on the screen, { x, y } in CSS pixels
 */

import { screenOf } from '../view/viewport.js'

/**
 * @param {object} page
 * @param {import('../stream/resync.js').Resync} page.resync
 * @param {import('../view/screen.js').Screen} page.screen
 * @param {import('../painting/cooldown.js').CooldownClock} page.cooldown
 * @param {import('../painting/palette_bar.js').PaletteBar} page.palette
 * @param {import('../painting/painting.js').Painting} page.painting
 * @param {() => object | null} page.past
 */
export function tell({ resync, screen, cooldown, palette, painting, past }) {
  const state = {
    get connection() {
      return resync.standing.connection
    },
    get lag() {
      return resync.lag
    },
    get viewers() {
      return resync.viewers
    },
    get version() {
      return resync.version
    },
    get log() {
      return resync.log
    },
    get width() {
      return screen.live?.width ?? 0
    },
    get height() {
      return screen.live?.height ?? 0
    },
    get charges() {
      return cooldown.limited ? cooldown.remaining(Date.now()) : null
    },
    get color() {
      return palette.color
    },
    get view() {
      return screen.view
    },
    get past() {
      return past()
    },
    indexes: () => screen.live?.indexes.slice() ?? new Uint8Array(),
    shown: () => screen.canvas?.indexes.slice() ?? new Uint8Array(),
    ownPixels: () => painting.ownPixels.shown(),
    screenOf: (/** @type {number} */ x, /** @type {number} */ y) => screenOf(screen.view, { x, y })
  }
  Object.defineProperty(window, 'placed', { value: Object.freeze(state) })
}
