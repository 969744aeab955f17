/**
 * The page: makes the parts and joins them. The canvas is written by the connection alone; everything painted here
 * and not yet in the canvas is in `own_pixels.js`; `resync.js` decides what is loaded when; `screen.js` draws.
 *
 * For tests and the curious, `window.placed` tells the page's state, read-only:
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
 *     placed.screenOf(x, y)            where the middle of a canvas pixel is on the screen, { x, y } in CSS pixels
 */

import { Canvas } from './canvas.js'
import { Connection } from './connection.js'
import { CooldownClock } from './cooldown.js'
import { listenToGestures } from './gestures.js'
import { t } from './language.js'
import { hoverLayer, ownPixelsLayer } from './overlay.js'
import { OwnPixels } from './own_pixels.js'
import { PaletteBar } from './palette_bar.js'
import { postEdit } from './posting.js'
import { Resync } from './resync.js'
import { Screen } from './screen.js'
import { StatusBar } from './status_bar.js'
import { pixelAt, screenOf } from './viewport.js'

/** @typedef {import('./viewport.js').Point} Point */

const TICK_MS = 200
/** Smaller pixels than this, in CSS pixels, can't be aimed at: a tap zooms in instead of painting. */
const MIN_PAINT_SCALE = { mouse: 3, touch: 8 }
const AIMED_SCALE = 20

const canvasElement = /** @type {HTMLCanvasElement} */ (document.getElementById('canvas'))
const resync = new Resync()
const ownPixels = new OwnPixels()
const cooldown = new CooldownClock()
const status = new StatusBar()
const palette = new PaletteBar(/** @type {HTMLElement} */ (document.getElementById('colors')))
const screen = new Screen(canvasElement)
let colorNames = /** @type {string[]} */ ([])
let hovered = /** @type {Point | null} */ (null)

const connection = new Connection(resync, {
  gotInfo(info) {
    cooldown.set(info.cooldown, Date.now())
  },
  gotImage({ info, indexes, log, version }) {
    palette.offer(info.palette, info.colorNames)
    colorNames = info.colorNames
    const canvas = new Canvas(info.width, info.height, info.palette)
    canvas.load(indexes)
    measureBars()
    screen.show(canvas)
    ownPixels.reached(log, version)
  },
  gotEdits(edits, version) {
    screen.canvas?.apply(edits)
    if (ownPixels.size) for (let i = 0; i < edits.length; i += 3) ownPixels.seen(edits[i], edits[i + 1])
    ownPixels.reached(/** @type {string} */ (resync.log), version)
    screen.invalidate()
  },
  gotStatus: showState,
  changed: showState
})

/**
 * Paint a canvas pixel in the chosen colour.
 * @param {Point} pixel
 */
async function paint({ x, y }) {
  const refusal = whyNotNow()
  if (refusal) return status.say(refusal, 'trouble')
  const color = palette.color
  const id = ownPixels.add({ x, y, color, log: /** @type {string} */ (resync.log), now: Date.now() })
  cooldown.spend(Date.now())
  refresh()
  const { outcome, rateLimit } = await postEdit({ x, y, color })
  const now = Date.now()
  if (outcome.kind === 'refused' && outcome.retrySeconds !== null) cooldown.refused(now, outcome.retrySeconds)
  else cooldown.answered(now, rateLimit)
  if (outcome.kind === 'posted') {
    ownPixels.posted(id, outcome.version, { log: /** @type {string} */ (resync.log), version: resync.version, now })
  } else {
    if (outcome.kind === 'refused') ownPixels.refused(id)
    else ownPixels.unknown(id, now)
    status.say(outcome.reason, 'trouble')
  }
  refresh()
}

/** @returns {string | null} the reason why an edit isn't even sent */
function whyNotNow() {
  const now = Date.now()
  if (!screen.canvas) return 'The canvas is not here yet.'
  if (resync.connection === 'offline') return t('offlinePaint')
  if (resync.connection === 'read-only') return t('readOnlyPaint')
  if (ownPixels.full) return 'Too many pixels are on their way; wait a moment.'
  if (cooldown.limited && cooldown.remaining(now) < 1) {
    return `Not yet: the next pixel is ready in ${(cooldown.nextMs(now) / 1000).toFixed(1)} s.`
  }
  return null
}

/**
 * @param {Point} at  CSS pixels
 * @param {boolean} touch
 */
function tapped(at, touch) {
  const pixel = screen.canvas && pixelAt(screen.view, at, screen.canvas)
  if (!pixel) return
  if (screen.view.scale >= (touch ? MIN_PAINT_SCALE.touch : MIN_PAINT_SCALE.mouse)) return void paint(pixel)
  screen.zoom(AIMED_SCALE / screen.view.scale, at)
  status.say(`Zoomed in. ${touch ? 'Tap' : 'Click'} again to paint.`, 'news')
}

/** Fitting the canvas spares the bars, whose size depends on the palette and the window. */
function measureBars() {
  const size = (/** @type {string} */ id) => document.getElementById(id)?.getBoundingClientRect() ?? new DOMRect()
  const top = size('top')
  const bottom = size('bottom')
  const gap = 12
  screen.insets = { top: top.bottom + gap, right: gap, bottom: innerHeight - bottom.top + gap, left: gap }
}

function showState() {
  const now = Date.now()
  status.showConnection(resync.connection, resync.retryInMs(now))
  status.showCooldown(cooldown, now)
}

function showPosition() {
  const canvas = screen.canvas
  // A canvas of another log may be smaller than the one that was pointed at.
  if (!canvas || !hovered || hovered.x >= canvas.width || hovered.y >= canvas.height) return status.showPosition(null)
  status.showPosition({ ...hovered, color: colorNames[canvas.indexes[hovered.y * canvas.width + hovered.x]] })
}

function refresh() {
  showState()
  showPosition()
  screen.invalidate()
}

function tick() {
  connection.tick()
  const { unknown, overdue } = ownPixels.tick(Date.now(), ['live', 'read-only'].includes(resync.connection))
  if (unknown.length) status.say('Nobody said whether your pixel was placed: the canvas shows what is there.', 'trouble')
  if (overdue.length) connection.probe()
  if (unknown.length || overdue.length) screen.invalidate()
  showState()
  showPosition()
}

screen.layers.push(ownPixelsLayer(ownPixels, () => palette.palette), hoverLayer(() => hovered))
listenToGestures(canvasElement, {
  tap: tapped,
  pan: (dx, dy) => screen.pan(dx, dy),
  pinch: (from, to) => screen.pinch(from, to),
  zoom: (factor, at) => screen.zoom(factor, at),
  hover(at) {
    hovered = at && screen.canvas ? pixelAt(screen.view, at, screen.canvas) : null
    refresh()
  }
})
document.getElementById('zoom-in')?.addEventListener('click', () => screen.zoom(2))
document.getElementById('zoom-out')?.addEventListener('click', () => screen.zoom(1 / 2))
document.getElementById('fit')?.addEventListener('click', () => screen.fit())
document.getElementById('retry')?.addEventListener('click', () => connection.probe())
addEventListener('resize', measureBars)

Object.defineProperty(window, 'placed', {
  value: Object.freeze({
    get connection() {
      return resync.connection
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
      return screen.canvas?.width ?? 0
    },
    get height() {
      return screen.canvas?.height ?? 0
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
    indexes: () => screen.canvas?.indexes.slice() ?? new Uint8Array(),
    ownPixels: () => ownPixels.shown(),
    screenOf: (/** @type {number} */ x, /** @type {number} */ y) => screenOf(screen.view, { x, y })
  })
})

showState()
connection.start()
setInterval(tick, TICK_MS)
