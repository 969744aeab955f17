/**
 * The view for a projector, `#view=projector`: only the canvas, and beside it, readable from the back of a room, the title,
 * a QR code of the canvas's address, the time until the canvas opens or closes, and the number of viewers. Nobody presses or
 * paints anything here. `main.js` loads it instead of `interaction.js`, and keeps the canvas right as always.
 */

import { announcementOf, countdown, gateOf } from '../gate/gate.js'
import { element, make } from '../page/elements.js'
import { qrPicture } from '../panels/qr_code.js'
import { t } from '../words/language.js'
import './texts.js'
import { stayAwake } from './wake_lock.js'

/**
 * @param {object} base  the page's first half
 * @param {HTMLCanvasElement} base.canvasElement
 * @param {import('../stream/resync.js').Resync} base.resync
 * @param {{ info: import('../stream/info.js').Info | null }} base.served
 * @returns {import('../main.js').Interaction}
 */
export function createProjector({ canvasElement, resync, served }) {
  const [kind, left, said, watching, trouble] = ['p', 'p', 'p', 'p', 'p'].map((tag) => make(/** @type {'p'} */ (tag)))
  left.setAttribute('role', 'timer')
  left.className = 'left'
  said.dir = 'auto' // the title that the host chose
  trouble.className = 'trouble'
  trouble.setAttribute('role', 'status')
  const address = make('p', { className: 'address' }, location.host + location.pathname.replace(/\/$/, ''))
  const code = make('div', { className: 'code' }, make('p', {}, t('joinHere')), qrPicture(), address)
  const waiting = make('div', { className: 'waiting' }, kind, left)
  const beside = make('aside', { id: 'projector' }, make('h1', { dir: 'auto' }, document.title), waiting, said, code, watching, trouble)
  code.querySelector('img')?.addEventListener('error', ({ target }) => /** @type {Element} */ (target).remove())

  // Nobody paints here: it is a picture.
  canvasElement.removeAttribute('tabindex')
  canvasElement.removeAttribute('title')
  canvasElement.setAttribute('role', 'img')
  canvasElement.setAttribute('aria-label', t('projected'))
  document.head.append(make('link', { rel: 'stylesheet', href: new URL('projector.css', import.meta.url).href }))
  document.body.append(beside)
  addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') location.hash = location.hash.replace(/(^#|&)view=projector/, '$1')
  })
  stayAwake()
  show()

  function show() {
    const now = Date.now() + (served.info?.aheadMs ?? 0) // by the server's clock
    const notices = resync.notices ?? served.info?.notices ?? {}
    const { isOpen, opens, closes } = gateOf(notices)
    const at = isOpen ? closes : opens
    waiting.hidden = isOpen && at === null
    write(kind, t(isOpen ? 'gateCloses' : at === null ? 'gateClosed' : 'gateOpens'))
    left.hidden = at === null
    if (at !== null) write(left, timeOf(countdown(at, now)))
    const announced = announcementOf(notices, now)
    said.hidden = !announced
    write(said, announced?.text ?? '')
    const isLive = ['live', 'read-only'].includes(resync.standing.connection)
    watching.hidden = !isLive || resync.viewers === null
    if (!watching.hidden) write(watching, t('peopleWatch', { count: resync.viewers ?? 0 }))
    trouble.hidden = isLive
    write(trouble, isLive ? '' : element('connection').textContent ?? '')
  }

  return {
    gotInfo() {},
    gotImage() {},
    gettingEdits() {},
    gotEdits() {},
    tick() {},
    changed: show
  }
}

/** @param {{ days: number, clock: string }} left */
function timeOf({ days, clock }) {
  return days ? t('daysLeft', { days, clock }) : clock
}

/**
 * @param {HTMLElement} shown
 * @param {string} text
 */
function write(shown, text) {
  if (shown.textContent !== text) shown.textContent = text
}
