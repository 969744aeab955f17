/**
 * The page: makes the parts and joins them. The canvas is written by the connection alone; everything painted here and not
 * yet in the canvas is in `painting.js`; `resync.js` decides what is loaded when; `screen.js` draws.
 *
 * What not everybody needs is loaded when it is first asked for: the panel's contents, templates, keys, signs, sounds.
 */

import { Brush } from './brush.js'
import { Canvas } from './canvas.js'
import { Connection } from './connection.js'
import { CooldownClock } from './cooldown.js'
import { element } from './elements.js'
import { listenToGestures } from './gestures.js'
import { Glow } from './glow.js'
import { Grid } from './grid.js'
import { localise, t } from './language.js'
import { Marks } from './marks.js'
import { cursorLayer, hoverLayer, ownPixelsLayer } from './overlay.js'
import { tell } from './page_state.js'
import { Painting } from './painting.js'
import { PaletteBar } from './palette_bar.js'
import { Panel } from './panel.js'
import { fragmentOf, placeOf } from './place_link.js'
import { Rate } from './rate.js'
import { Resync } from './resync.js'
import { Screen } from './screen.js'
import { Settings, browserStorage } from './settings.js'
import { StatusBar } from './status_bar.js'
import { TemplateLoader } from './template_loader.js'

/** @typedef {import('./viewport.js').Point} Point */

const TICK_MS = 200
const ADDRESS_MS = 300 // browsers stop a page that rewrites its address much more often

localise(document)
const canvasElement = /** @type {HTMLCanvasElement} */ (element('canvas'))
const settings = new Settings(browserStorage())
const resync = new Resync()
const cooldown = new CooldownClock()
const rate = new Rate()
const status = new StatusBar()
const screen = new Screen(canvasElement)
const invalidate = () => screen.invalidate()
const grid = new Grid()
const glow = new Glow()
const marks = new Marks()
const palette = new PaletteBar(element('colors'), () => {
  status.announce(t('chosen', { color: palette.nameOf(palette.color) }))
  refresh()
})
const page = {
  canvas: () => screen.canvas,
  palette: () => palette.palette,
  view: () => screen.view,
  lookAt: (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ scale) => screen.lookAt(x, y, scale, true),
  invalidate,
  link,
  say
}
const templates = new TemplateLoader(page)
let hovered = /** @type {Point | null} */ (null)
let cursor = /** @type {import('./cursor.js').Cursor | null} */ (null)
let areaChoice = /** @type {import('./area.js').AreaChoice | null} */ (null)
let wasOut = false // of charges

const painting = new Painting({
  canvas: page.canvas,
  color: () => palette.color,
  resync,
  cooldown,
  say,
  settled(pixel, placed) {
    marks.add(pixel, placed)
    play(placed ? 'placed' : 'refused')
  },
  changed: refresh
})
const brush = new Brush({ screen, painting, palette, cooldown, settings, templates, say, refresh })

const connection = new Connection(resync, {
  gotInfo(info) {
    cooldown.set(info.cooldown, Date.now())
  },
  gotStatus: showState,
  gotImage({ info, indexes }) {
    const isFirst = !screen.canvas
    palette.offer(info.palette, info.colorNames)
    const canvas = new Canvas(info.width, info.height, info.palette)
    canvas.load(indexes)
    measureBars()
    screen.show(canvas)
    point(null)
    brush.answer(false)
    painting.loaded()
    templates.canvasChanged()
    if (isFirst) goTo(location.hash)
  },
  gotEdits(edits) {
    if (!screen.canvas) return
    templates.edited(edits)
    screen.apply(edits)
    glow.add(edits)
    rate.add(edits.length / 3, Date.now())
    if (painting.applied(edits)) refresh()
  },
  changed: showState
})

const panel = new Panel({
  templates: (body) => templates.mount(body),
  share: async (body) => {
    const { mountShare } = await import('./share_panel.js')
    return mountShare(body, { ...page, link: () => templates.link(), choose: (choice) => (areaChoice = choice) })
  },
  settings: async (body) => (await import('./settings_panel.js')).mountSettings(body, settings),
  help: async (body) => (await import('./help_panel.js')).mountHelp(body)
})

/**
 * @param {string} text
 * @param {'news' | 'trouble'} kind
 */
function say(text, kind) {
  status.say(text, kind)
}

/** @param {keyof typeof import('./sound.js').SOUNDS} sound */
async function play(sound) {
  if (settings.values.sound) (await import('./sound.js')).play(sound)
}

/**
 * Show the keyboard's cursor, or null: the pointer's again.
 * @param {import('./cursor.js').Cursor | null} shown
 */
function point(shown) {
  if (!shown) cursor?.clear()
  cursor = shown
  refresh()
}

/** What a drag on the canvas does, if it isn't for moving about. */
const drag = {
  claims(/** @type {Point} */ at) {
    const { scale, left, top } = screen.view
    if (!areaChoice?.waiting) return templates.grab({ x: left + at.x / scale, y: top + at.y / scale })
    areaChoice.grab(brush.pixelAt(at))
    return true
  },
  move(/** @type {number} */ dx, /** @type {number} */ dy, /** @type {Point} */ at) {
    const pixel = brush.pixelAt(at)
    if (!areaChoice?.waiting) templates.drag(dx / screen.view.scale, dy / screen.view.scale)
    else if (pixel) areaChoice.drag(pixel)
    invalidate()
  },
  end() {
    if (areaChoice?.waiting) areaChoice.drop()
    else templates.drop()
    invalidate()
  }
}

/** Fitting the canvas spares the bars, whose size depends on the palette and the window. */
function measureBars() {
  const gap = 12
  const top = element('top').getBoundingClientRect()
  const bar = element('paints').getBoundingClientRect()
  const isBeside = bar.height > bar.width
  screen.insets = {
    top: top.bottom + gap,
    right: gap,
    bottom: isBeside ? gap : innerHeight - bar.top + gap,
    left: isBeside ? bar.right + gap : gap
  }
}

/**
 * What is on the screen, as an address' fragment: the pixel in the middle, and how large it is.
 * @param {string} [fragment]  what else it is to name
 */
function place(fragment) {
  const { x, y } = screen.center
  return fragmentOf({ x: Math.floor(x), y: Math.floor(y), scale: screen.view.scale }, fragment)
}

function link() {
  return new URL(place(), location.href).href
}

/** @param {string} hash */
function goTo(hash) {
  const named = placeOf(hash)
  if (named && screen.canvas) screen.lookAt(named.x, named.y, named.scale ?? undefined)
  templates.addFromLink(hash)
}

function showState() {
  const now = Date.now()
  status.showConnection(resync.connection, resync.retryInMs(now))
  status.showNumbers({ viewers: resync.viewers, perSecond: rate.perSecond(now), lag: resync.lag })
  status.showCooldown(cooldown, now)
  const canvas = screen.canvas
  const pixel = cursor?.pixel ?? hovered
  // A canvas of another log may be smaller than the one that was pointed at.
  const isThere = canvas && pixel && pixel.x < canvas.width && pixel.y < canvas.height
  status.showPosition(isThere ? { ...pixel, color: palette.nameOf(canvas.at(pixel.x, pixel.y)) } : null)
}

function refresh() {
  showState()
  brush.show()
  element('undo').toggleAttribute('disabled', !painting.canUndo)
  invalidate()
}

function tick() {
  connection.tick()
  if (painting.tick()) connection.probe()
  const isOut = cooldown.limited && cooldown.remaining(Date.now()) < 1
  if (wasOut && !isOut) play('ready')
  wasOut = isOut
  showState()
}

let drawSigns = /** @type {import('./screen.js').Layer | null} */ (null)

async function applySettings() {
  const { theme, signs } = settings.values
  document.documentElement.dataset.theme = theme
  element('colors').classList.toggle('signs', signs)
  grid.enabled = settings.values.grid
  glow.enabled = settings.values.glow
  drawSigns = signs ? (await import('./signs.js')).signsLayer(page.palette) : null
  invalidate()
}

/** @returns {string} '#rrggbb' */
const chosenColor = () => palette.palette[palette.color] ?? '#000'
screen.layers.push(
  grid.draw,
  glow.draw,
  (...drawing) => drawSigns?.(...drawing),
  templates.layer,
  ownPixelsLayer(painting.ownPixels, page.palette),
  marks.layer,
  hoverLayer(() => (brush.target || cursor ? null : hovered), chosenColor),
  cursorLayer(() => brush.target ?? cursor?.pixel ?? null, chosenColor),
  (...drawing) => areaChoice?.layer(...drawing)
)
listenToGestures(canvasElement, screen, {
  tap(at, touch) {
    point(null)
    return areaChoice?.waiting || brush.tap(at, touch)
  },
  doubleTap: (at) => screen.zoom(2, at, true),
  pick: (at) => brush.pick(brush.pixelAt(at)),
  drawing: () => brush.drawing,
  draw: (at, phase) => brush.draw(at, phase),
  drag,
  hover(at) {
    hovered = at && brush.pixelAt(at)
    if (hovered && cursor) point(null)
    refresh()
  }
})

let keyboard = /** @type {Promise<(event: KeyboardEvent) => void> | null} */ (null)
addEventListener('keydown', async (event) => {
  const keyed = { canvasElement, screen, palette, painting, panel, settings, status, templates, brush, point, pointer: () => hovered }
  keyboard ??= import('./keyboard.js').then(({ createKeyboard }) => createKeyboard(keyed))
  const press = await keyboard // once it's there that takes a microtask, in which the key's own effect can still be prevented
  press(event)
})
for (const [id, act] of /** @type {[string, () => void][]} */ ([
  ['zoom-in', () => screen.zoom(2, undefined, true)],
  ['zoom-out', () => screen.zoom(1 / 2, undefined, true)],
  ['fit', () => screen.fit()],
  ['undo', () => painting.undo()],
  ['retry', () => connection.probe()]
])) {
  element(id).addEventListener('click', act)
}
addEventListener('resize', measureBars)
addEventListener('hashchange', () => goTo(location.hash))

let addressTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
screen.onLook = () => {
  clearTimeout(addressTimer)
  addressTimer = setTimeout(() => history.replaceState(null, '', place(location.hash)), ADDRESS_MS)
}
settings.onChange = applySettings
void applySettings()
tell({ resync, screen, cooldown, palette, painting })
refresh()
connection.start()
setInterval(tick, TICK_MS)
