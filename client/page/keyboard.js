/**
 * The keys' actions, and the cursor that they move. The page loads it at the first key press: a phone never needs it.
 *
 * Arrow keys and Enter work wherever nothing else needs them; letters can be switched off (WCAG 2.1.4), and then work only
 * while the canvas has the focus.
 */

import { Cursor } from '../view/cursor.js'
import { element } from './elements.js'
import { actionOf, keyOf } from './keys.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'

/**
 * The parts of the page that the keys need.
 * @typedef {object} Page
 * @property {HTMLElement} canvasElement
 * @property {import('../view/screen.js').Screen} screen
 * @property {import('../painting/palette_bar.js').PaletteBar} palette
 * @property {import('../painting/painting.js').Painting} painting
 * @property {import('../panels/panel.js').Panel} panel
 * @property {import('./settings.js').Settings} settings
 * @property {import('./status_bar.js').StatusBar} status
 * @property {import('../templates/loader.js').TemplateLoader} templates
 * @property {() => import('../view/viewport.js').Point | null} pointer  the canvas pixel under it
 * @property {(cursor: Cursor | null) => void} point  show this cursor, or the pointer again
 * @property {import('../painting/brush.js').Brush} brush
 * @property {() => import('../past/time_machine.js').TimeMachine | null} past  null before it was first asked for
 * @property {() => Promise<void>} togglePast
 * @property {(pixel: import('../view/viewport.js').Point | null, byKey: boolean) => Promise<void>} look  show the card of a
 *   pixel
 */

/** @typedef {(key: string, shift: boolean) => void} Act */

/**
 * @param {Page} page
 * @returns {(event: KeyboardEvent) => void}  call it with each pressed key
 */
export function createKeyboard(page) {
  const { brush, screen, palette, painting, panel, settings, status, templates } = page
  const cursor = new Cursor(screen)

  /**
   * Act on the past while the time line is open, otherwise on the present.
   *
   * @param {(past: import('../past/time_machine.js').TimeMachine) => unknown} past
   * @param {() => unknown} [present]
   */
  const either = (past, present) => {
    const machine = page.past()
    if (machine?.isOpen) past(machine)
    else present?.()
  }

  /** @type {Record<import('./keys.js').Action, Act>} */
  const acts = {
    move(key, shift) {
      if (!screen.canvas) return
      const { x, y } = cursor.move(key, shift ? 10 : 1, page.pointer())
      status.announce(t('at', { x: `${x}`, y: `${y}`, color: palette.nameOf(screen.canvas.at(x, y)) }))
      page.point(cursor)
    },
    paint: () => either(
      () => page.look(cursor.pixel, true),
      () => brush.answer(true) || (cursor.pixel && brush.wish(cursor.pixel))
    ),
    color: (key) => palette.choose((Number(key) + 9) % 10),
    colorBack: () => either((past) => past.stepSpeed(-1), () => palette.step(-1)),
    colorOn: () => either((past) => past.stepSpeed(1), () => palette.step(1)),
    zoomIn: () => screen.zoom(2, cursor.place),
    zoomOut: () => screen.zoom(1 / 2, cursor.place),
    fit: () => screen.fit(),
    pick: () => brush.pick(cursor.pixel ?? page.pointer()),
    undo: () => either(() => {}, () => painting.undo()),
    draw: () => either(() => {}, () => brush.toggleDrawing()),
    grid: () => settings.set({ grid: !settings.values.grid }),
    wrong: () => templates.nextWrong(),
    past: () => void page.togglePast(),
    look: () => void page.look(cursor.pixel ?? page.pointer(), true),
    play: () => either((past) => past.togglePlay()),
    stepBack: () => either((past) => past.step(-1)),
    stepOn: () => either((past) => past.step(1)),
    templates: () => panel.toggle('templates'),
    share: () => panel.toggle('share'),
    settings: () => panel.toggle('settings'),
    people: () => void (element('people').hidden || panel.toggle('people')), // a canvas for everybody has no such button
    help: () => panel.toggle('help'),
    escape() {
      if (brush.answer(false)) return
      if (panel.open) return panel.close()
      const past = page.past()
      if (past?.pixel) return past.closeCard()
      if (past?.isOpen) return past.close()
      cursor.clear()
      page.point(null)
    }
  }

  return (event) => {
    const { target } = event
    const action = actionOf(event)
    if (!action || event.defaultPrevented || event.isComposing) return
    const key = keyOf(event) || event.key // Ctrl-Z is none of the table's
    if (action !== 'escape' && isNeededBy(target, key)) return
    if (key.length === 1 && target !== page.canvasElement && !settings.values.keys) return
    event.preventDefault()
    acts[action](key, event.shiftKey)
  }
}

/**
 * Whether an element does something with the key by itself.
 *
 * @param {EventTarget | null} target
 * @param {string} key
 */
function isNeededBy(target, key) {
  if (!(target instanceof HTMLElement)) return false
  if (target.matches('textarea, select, input:not([type=radio], [type=checkbox], [type=range], [type=button])')) return true
  if (target.matches('input') && key.startsWith('Arrow')) return true
  if (key === ' ') return target.matches('input, button, a, summary')
  return key === 'Enter' && target.matches('button, a, summary')
}
