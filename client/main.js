/**
 * The page, first half: shows the canvas and keeps it right. Only the connection writes to the canvas; `resync.js` decides
 * what to load when, `screen.js` draws. As soon as the canvas is live, or can't become live, the page loads the second half,
 * `interaction.js`: everything that a person does with it.
 */

import { Canvas } from './canvas/canvas.js'
import { Connection } from './stream/connection.js'
import { CooldownClock } from './painting/cooldown.js'
import { element } from './page/elements.js'
import { localise } from './words/language.js'
import { renew } from './page/later.js'
import { take } from './people/link.js'
import { PaletteBar } from './painting/palette_bar.js'
import { placeOf } from './view/place_link.js'
import { Rate } from './stream/rate.js'
import { Resync } from './stream/resync.js'
import { Screen } from './view/screen.js'
import { Settings, browserStorage } from './page/settings.js'
import { StatusBar } from './page/status_bar.js'

/**
 * The events that the second half gets.
 * @typedef {object} Interaction
 * @property {() => void} gotInfo  the server has answered `GET /info`
 * @property {() => void} gotImage  another canvas is shown
 * @property {(edits: Uint16Array) => void} gettingEdits  the canvas is about to apply them
 * @property {(edits: Uint16Array) => void} gotEdits
 * @property {() => void} tick
 * @property {() => void} changed  something on the page may have changed
 */

const TICK_MS = 200
const INTERACTION_AGAIN_MS = 1_000

const isProjector = projects(location.hash)
if (isProjector) document.documentElement.dataset.view = 'projector'
const brought = take() // before anything else can read, keep or show the address
element('unstarted').remove()
localise(document)
const canvasElement = /** @type {HTMLCanvasElement} */ (element('canvas'))
const settings = new Settings(browserStorage())
const resync = new Resync()
const cooldown = new CooldownClock()
const rate = new Rate()
const status = new StatusBar()
const screen = new Screen(canvasElement)
const palette = new PaletteBar(element('colors'))
let interaction = /** @type {Interaction | null} */ (null)
let loading = false

const served = { info: /** @type {import('./stream/info.js').Info | null} */ (null) }
const connection = new Connection(resync, {
  gotInfo(info, askedAt) {
    cooldown.set(info.cooldown, Date.now(), askedAt)
    served.info = info
    // Until the page knows the person, it offers nothing that they may not do.
    if (info.signIn.required) document.documentElement.dataset.person ??= 'unknown'
    interaction?.gotInfo()
  },
  gotCharges(standing) {
    cooldown.told(standing, Date.now())
    showState()
  },
  gotStatus: showState,
  gotImage({ info, indexes }) {
    palette.offer(info.palette, info.colorNames)
    showState()
    measureBars()
    const isFirst = !screen.live
    const canvas = new Canvas(info.width, info.height, info.palette)
    canvas.load(indexes)
    screen.show(canvas)
    if (isFirst) goTo(location.hash)
    interaction?.gotImage()
  },
  gotEdits(edits) {
    interaction?.gettingEdits(edits)
    screen.apply(edits)
    rate.add(edits.length / 3, Date.now())
    interaction?.gotEdits(edits)
  },
  changed: showState
})

/** The view leaves out the bars, whose size depends on the palette and the window, and the panel. */
function measureBars() {
  const gap = 12
  const [top, bar, line, panel] = ['top', 'paints', 'timeline', 'panel'].map((id) => element(id).getBoundingClientRect())
  const isWide = (/** @type {DOMRect} */ { width }) => width > innerWidth / 2
  const low = Math.min(...[bar, line, panel].map((box) => (isWide(box) ? box.top : innerHeight)))
  // The bars beside the canvas change sides with the language's writing direction.
  const beside = [bar, panel].filter((box) => box.width && !isWide(box))
  const [left, right] = [true, false].map((first) => beside.filter((box) => box.left + box.right < innerWidth === first))
  screen.insets = {
    top: top.bottom + gap,
    right: Math.max(0, ...right.map((box) => innerWidth - box.left)) + gap,
    bottom: innerHeight - low + gap,
    left: Math.max(0, ...left.map((box) => box.right)) + gap
  }
}

/** @param {string} fragment  that may name a place */
function goTo(fragment) {
  const place = placeOf(fragment)
  if (place && screen.canvas) screen.lookAt(place.x, place.y, place.scale ?? undefined)
}

/** @param {string} fragment */
function projects(fragment) {
  return /[#&]view=projector\b/.test(fragment)
}

function showState() {
  const now = Date.now()
  status.showConnection(resync, now)
  const follows = ['live', 'read-only'].includes(resync.standing.connection)
  status.showNumbers({ viewers: follows ? resync.viewers : null, perSecond: rate.perSecond(now), lag: resync.lag })
  status.showCooldown(cooldown, now)
  // People can still look around a canvas that isn't live or takes no edits; and a canvas only for people who have signed in
  // needs its way in.
  const isLooked = screen.canvas && resync.standing.connection !== 'catching-up'
  if (isLooked || resync.standing.refusal?.kind === 'signed-out') void loadInteraction()
  interaction?.changed()
}

async function loadInteraction() {
  if (interaction || loading) return
  loading = true
  try {
    if (isProjector) return void (interaction = (await import('./projector/projector.js')).createProjector({ canvasElement, resync, served }))
    const { createInteraction } = await import('./interaction.js')
    interaction = createInteraction({ brought, canvasElement, connection, cooldown, served, palette, resync, screen, settings, status, showState })
  } catch (error) {
    console.warn(`placed: ${error}`) // the network went away in between: once more when the canvas is live
    setTimeout(() => (loading = false), INTERACTION_AGAIN_MS)
    void renew(status.say.bind(status))
  }
}

addEventListener('resize', measureBars)
new ResizeObserver(measureBars).observe(element('panel'))
new ResizeObserver(() => {
  measureBars()
  screen.refit()
}).observe(element('timeline'))
addEventListener('hashchange', () => (projects(location.hash) === isProjector ? goTo(location.hash) : location.reload()))
element('retry').addEventListener('click', () => connection.probe())
document.documentElement.dataset.theme = settings.values.theme
showState()
connection.start()
setInterval(() => {
  connection.tick()
  interaction?.tick()
  showState()
}, TICK_MS)
