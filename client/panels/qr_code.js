/**
 * A QR code of the canvas, for people to photograph from a projector: as large as the window, black on white whatever the
 * page's colours are. The server draws it (`GET /qr.svg`), for the address in the request.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'

/** The code in the panel; nothing if the server has none. */
export function qrCode() {
  const picture = qrPicture()
  const large = make('button', { type: 'button', onclick: showLarge }, t('qrLarge'))
  const projector = make('button', { type: 'button', onclick: () => location.assign('#view=projector') }, t('projector'))
  const shown = make('div', { className: 'qr' }, make('h3', {}, t('qrCode')), picture, large, projector)
  picture.addEventListener('error', () => (shown.hidden = true))
  return shown
}

/** Show only the code, until Escape, a click or the button. */
function showLarge() {
  const address = make('p', {}, location.host + location.pathname.replace(/\/$/, ''))
  const close = make('button', { type: 'button' }, t('close'))
  const dialog = make('dialog', { id: 'qr-large', ariaLabel: t('qrCode') }, qrPicture(), address, close)
  dialog.addEventListener('click', () => dialog.close())
  dialog.addEventListener('keydown', (event) => event.stopPropagation()) // the canvas is out of sight, and Escape closes only this
  dialog.addEventListener('close', () => dialog.remove())
  document.body.append(dialog)
  dialog.showModal()
}

/** The code as a picture. */
export function qrPicture() {
  // Behind a proxy that has the canvas below a path, only the page knows the path.
  const src = location.pathname === '/' ? 'qr.svg' : `qr.svg?${new URLSearchParams({ path: location.pathname })}`
  return make('img', { src, alt: t('qrAlt', { address: location.host }) })
}
