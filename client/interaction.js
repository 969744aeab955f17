/**
 * The page, second half: everything that a person does with the canvas. `main.js` loads it once the canvas is live, or can't
 * become live, and passes events on to it. It loads the parts that not everybody needs at their first use: the panel's
 * contents, templates, keys, signs, sounds.
 */

import { Brush } from './painting/brush.js'
import { colorName } from './words/color_names.js'
import { element } from './page/elements.js'
import { listenToGestures } from './view/gestures.js'
import { Glow } from './view/glow.js'
import { Grid } from './view/grid.js'
import { t } from './words/language.js'
import './words/more_texts.js'
import { later } from './page/later.js'
import { Marks } from './view/marks.js'
import { cursorLayer, hoverLayer, ownPixelsLayer } from './view/overlay.js'
import { tell } from './page/window_placed.js'
import { Painting } from './painting/painting.js'
import { Panel } from './panels/panel.js'
import { take } from './people/link.js'
import { GateLoader } from './gate/loader.js'
import { listenToPrinting } from './page/print.js'
import { PeopleLoader } from './people/loader.js'
import { cooldownOf } from './stream/info.js'
import { fragmentOf } from './view/place_link.js'
import { TemplateLoader } from './templates/loader.js'

/** @typedef {import('./view/viewport.js').Point} Point */

const ADDRESS_MS = 300 // browsers stop a page that rewrites its address much more often

/**
 * @param {object} base  the first half
 * @param {import('./people/link.js').Brought | null} base.brought  by the address that the page was opened with
 * @param {HTMLCanvasElement} base.canvasElement
 * @param {import('./stream/connection.js').Connection} base.connection
 * @param {import('./painting/cooldown.js').CooldownClock} base.cooldown
 * @param {{ info: import('./stream/info.js').Info | null }} base.served  the server's facts about itself; null before its
 *   answer
 * @param {import('./painting/palette_bar.js').PaletteBar} base.palette
 * @param {import('./stream/resync.js').Resync} base.resync
 * @param {import('./view/screen.js').Screen} base.screen
 * @param {import('./page/settings.js').Settings} base.settings
 * @param {import('./page/status_bar.js').StatusBar} base.status
 * @param {() => void} base.showState
 * @returns {import('./main.js').Interaction}
 */
export function createInteraction({ brought, canvasElement, connection, cooldown, served, palette, resync, screen, settings, status, showState }) {
  let hovered = /** @type {Point | null} */ (null)
  let touched = /** @type {Point | null} */ (null) // by a finger, which has gone since: its place is told, not shown
  let cursor = /** @type {import('./view/cursor.js').Cursor | null} */ (null)
  let areaChoice = /** @type {import('./view/area.js').AreaChoice | null} */ (null)
  let past = /** @type {import('./past/time_machine.js').TimeMachine | null} */ (null)
  let moderation = /** @type {import('./moderation/moderation.js').Moderation | null} */ (null) // of moderators and hosts alone
  let drawSigns = /** @type {import('./view/screen.js').Layer | null} */ (null)
  let addressTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
  let wasOut = false // of charges
  let heard = 'null' // of what the host says, by the stream

  const say = status.say.bind(status)
  const parts = {
    about: later(() => import('./panels/about_panel.js'), say),
    share: later(() => import('./panels/share_panel.js'), say),
    settings: later(() => import('./panels/settings_panel.js'), say),
    help: later(() => import('./panels/help_panel.js'), say),
    signs: later(() => import('./view/signs.js'), say),
    areas: later(async () => new (await import('./view/protected_areas.js')).ProtectedAreas(screen), say),
    sound: later(() => import('./painting/sound.js'), say),
    past: later(() => import('./past/time_machine.js'), say)
  }
  const invalidate = () => screen.invalidate()
  const page = {
    canvas: () => screen.canvas,
    palette: () => palette.palette,
    view: () => screen.view,
    middle: () => screen.center,
    lookAt: (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ scale) => screen.lookAt(x, y, scale, true),
    link: () => new URL(place(), location.href).href,
    invalidate,
    say
  }
  const templates = new TemplateLoader(page)
  const grid = new Grid()
  const glow = new Glow()
  const marks = new Marks()
  const people = new PeopleLoader({
    served: () => served.info,
    cooldown,
    gotCooldown: (said, askedAt) => cooldown.set(cooldownOf(said), Date.now(), askedAt),
    panel: () => panel,
    isRefused: () => resync.standing.connection === 'offline' && resync.standing.refusal?.kind === 'signed-out',
    gotRoles: (roles) => void gotRoles(roles),
    probe: () => connection.probe(),
    refresh,
    say
  })
  const gate = new GateLoader({
    isPainted: () => resync.version > 1,
    film: async () => (await timeMachine()).playAll(),
    refresh,
    say
  })
  const painting = new Painting({
    canvas: () => screen.live,
    color: () => palette.color,
    resync,
    cooldown,
    say,
    mostEdits: () => served.info?.mostEdits ?? 1,
    mayNot: () => gate.whyNot() ?? people.whyNot(),
    post: (edits) => people.post(edits),
    settled(pixels, placed) {
      for (const pixel of pixels) marks.add(pixel, placed)
      play(placed ? 'placed' : 'refused')
      if (placed) status.announce(t('placed')) // the message tells of a refusal
    },
    kept: async (area) => (await parts.areas()).point(area),
    charged(told) {
      if (told) connection.tellCharges(cooldown.standing(Date.now()))
      else if (cooldown.limited) connection.askCharges()
    },
    changed: refresh
  })
  const brush = new Brush({ screen, painting, palette, cooldown, settings, templates, say, refresh })
  const panel = new Panel({
    about: async (body) => (await parts.about()).mountAbout(body),
    templates: (body) => templates.mount(body),
    share: async (body) => {
      const { mountShare } = await parts.share()
      return mountShare(body, { ...page, link: () => templates.link(), choose: (choice) => (areaChoice = choice) })
    },
    settings: async (body) => (await parts.settings()).mountSettings(body, settings),
    help: async (body) => (await parts.help()).mountHelp(body),
    people: (body) => people.mount(body)
  })

  const loadModeration = later(async () => {
    const { Moderation } = await import('./moderation/moderation.js')
    return new Moderation({ ...page, panel, screen, nameOf: (color) => palette.nameOf(color), version: () => resync.version, past: () => past, timeMachine, choose: (choice) => (areaChoice = choice) })
  }, say)

  /** @param {string[]} roles  of whoever uses this browser */
  async function gotRoles(roles) {
    const may = roles.some((role) => role === 'moderator' || role === 'host')
    if (may || moderation) (moderation = await loadModeration()).gotRoles(roles)
  }

  /** @returns {Promise<import('./past/time_machine.js').TimeMachine>} */
  async function timeMachine() {
    const { TimeMachine } = await parts.past()
    return (past ??= new TimeMachine({
      screen,
      palette,
      layers: (between) => [
        grid.draw,
        (...drawing) => drawSigns?.(...drawing),
        ...between,
        cursorLayer(() => cursor?.pixel ?? null, shownColor),
        (...drawing) => areaChoice?.layer(...drawing)
      ],
      say,
      announce: status.announce.bind(status),
      fragment: () => place(location.hash),
      buttons: (edit) => moderation?.cardButtons(edit) ?? [],
      changed() {
        brush.answer(false)
        refresh()
      }
    }))
  }

  /** @param {string} fragment  that may name a moment of the past */
  async function goBack(fragment) {
    if (/[#&]t=/.test(fragment)) await (await timeMachine()).openAt(fragment)
  }

  async function togglePast() {
    const machine = await timeMachine()
    if (machine.isOpen) machine.close()
    else await machine.open()
  }

  /** The server has answered with the host's notices. */
  function gotNotices() {
    if (!served.info) return
    gate.setClock(served.info.aheadMs)
    gate.tell(served.info.notices)
  }

  /** The stream may have brought newer notices since. */
  function hearNotices() {
    const told = JSON.stringify(resync.notices)
    if (told === heard) return
    heard = told
    if (resync.notices) gate.tell(resync.notices)
  }

  /**
   * Show the card of a pixel.
   *
   * @param {Point | null} pixel
   * @param {boolean} [byKey]
   */
  async function look(pixel, byKey = false) {
    if (pixel) (await timeMachine()).look(pixel, byKey)
  }

  /** @param {keyof typeof import('./painting/sound.js').SOUNDS} sound */
  async function play(sound) {
    if (settings.values.sound) (await parts.sound()).play(sound)
  }

  /**
   * Show the keyboard's cursor, or null: the pointer's again.
   * @param {import('./view/cursor.js').Cursor | null} shown
   */
  function point(shown) {
    if (!shown) cursor?.clear()
    cursor = shown
    refresh()
  }

  /**
   * The visible part of the canvas, as an address' fragment: the pixel in the middle, and how large it is.
   * @param {string} [fragment]  the other entries to keep in it
   */
  function place(fragment) {
    const { x, y } = screen.center
    return fragmentOf({ x: Math.floor(x), y: Math.floor(y), scale: screen.view.scale }, fragment)
  }

  function gotInfo() {
    element('about').hidden = !served.info?.about
    people.gotInfo()
    gotNotices()
  }

  function showPosition() {
    const canvas = screen.canvas
    const pixel = cursor?.pixel ?? hovered ?? touched
    // A canvas of another log may be smaller than the one under the pointer.
    const isThere = canvas && pixel && pixel.x < canvas.width && pixel.y < canvas.height
    status.showPosition(isThere ? { ...pixel, color: palette.nameOf(canvas.at(pixel.x, pixel.y)) } : null)
  }

  function refresh() {
    showState()
    brush.show()
    element('undo').toggleAttribute('disabled', !painting.canUndo || past?.isOpen === true)
    element('draw').toggleAttribute('disabled', past?.isOpen === true)
    invalidate()
  }

  async function applySettings() {
    const { theme, signs } = settings.values
    document.documentElement.dataset.theme = theme
    element('colors').classList.toggle('signs', signs)
    grid.enabled = settings.values.grid
    glow.enabled = settings.values.glow
    drawSigns = signs ? (await parts.signs()).signsLayer(page.palette) : null
    invalidate()
  }

  /** The action of a drag on the canvas, if it doesn't move the view. */
  const drag = {
    claims(/** @type {Point} */ at) {
      const { scale, left, top } = screen.view
      if (!areaChoice?.waiting) return !past?.isOpen && templates.grab({ x: left + at.x / scale, y: top + at.y / scale })
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

  listenToGestures(canvasElement, screen, {
    tap(at, touch) {
      const pixel = brush.pixelAt(at)
      touched = touch ? pixel : null
      if (touch) hovered = null // a finger that has gone points at nothing
      point(null)
      if (past?.isOpen) void look(pixel)
      else past?.closeCard()
      return areaChoice?.waiting || past?.isOpen || brush.tap(at, touch)
    },
    doubleTap: (at) => screen.zoom(2, at, true),
    pick(at, held) {
      touched = brush.pixelAt(at)
      brush.pick(touched)
      if (held) void look(touched)
      refresh()
    },
    drawing: () => brush.drawing && !past?.isOpen,
    draw(at, phase) {
      if (!past?.isOpen) brush.draw(at, phase)
    },
    drag,
    hover(at) {
      hovered = at && brush.pixelAt(at)
      if (hovered && cursor) point(null)
      refresh()
    }
  })
  const keyed = { canvasElement, screen, palette, painting, panel, settings, status, templates, brush, point, pointer: () => hovered, past: () => past, togglePast, look }
  const keyboard = later(async () => (await import('./page/keyboard.js')).createKeyboard(keyed), say)
  addEventListener('keydown', async (event) => {
    const press = await keyboard() // once it's there that takes a microtask, in which the key's own effect can still be prevented
    press(event)
  })
  for (const [id, act] of /** @type {[string, () => void][]} */ ([
    ['zoom-in', () => screen.zoom(2, undefined, true)],
    ['zoom-out', () => screen.zoom(1 / 2, undefined, true)],
    ['fit', () => screen.fit()],
    ['undo', () => painting.undo()],
    ['past', () => void togglePast()]
  ])) {
    element(id).addEventListener('click', act)
  }
  addEventListener('hashchange', () => {
    void people.arrived(take())
    templates.addFromLink(location.hash)
    void goBack(location.hash)
  })
  screen.onLook = () => {
    clearTimeout(addressTimer)
    addressTimer = setTimeout(() => history.replaceState(null, '', place(location.hash)), ADDRESS_MS)
  }
  palette.call((name) => colorName(name))
  palette.onChoose = () => {
    status.announce(t('chosen', { color: palette.nameOf(palette.color) }))
    refresh()
  }

  /** @returns {string} '#rrggbb' */
  const chosenColor = () => palette.palette[palette.color] ?? '#000'
  /** @returns {string} the colour at the keyboard's cursor, which the past keeps */
  const shownColor = () => {
    const at = cursor?.pixel
    return palette.palette[(at && screen.canvas?.at(at.x, at.y)) ?? 0]
  }
  screen.layers.push(
    grid.draw,
    glow.draw,
    (...drawing) => drawSigns?.(...drawing),
    templates.layer,
    ownPixelsLayer(painting.ownPixels, page.palette),
    marks.layer,
    hoverLayer(() => (brush.target || cursor || people.isBarred || gate.isClosed ? null : hovered), chosenColor),
    cursorLayer(() => brush.target ?? cursor?.pixel ?? null, chosenColor),
    (...drawing) => areaChoice?.layer(...drawing),
    (...drawing) => past?.layer(...drawing)
  )
  listenToPrinting(() => screen.canvas)
  settings.onChange = applySettings
  void applySettings()
  templates.addFromLink(location.hash)
  void goBack(location.hash)
  gotInfo()
  void people.arrived(brought ?? take())
  tell({ resync, screen, cooldown, palette, painting, past: () => past?.state ?? null })

  return {
    gotInfo,
    gotImage() {
      point(null)
      brush.answer(false)
      painting.loaded()
      if (resync.log !== null) past?.belongsTo(resync.log)
      templates.canvasChanged()
    },
    gettingEdits: (edits) => templates.edited(edits),
    gotEdits(edits) {
      glow.add(edits)
      if (painting.applied(edits)) refresh()
    },
    tick() {
      if (painting.tick()) connection.probe()
      const isOut = cooldown.limited && cooldown.remaining(Date.now()) < 1
      if (wasOut && !isOut) play('ready')
      wasOut = isOut
      people.tick(Date.now())
      gate.tick()
    },
    changed() {
      showPosition()
      hearNotices()
    }
  }
}
