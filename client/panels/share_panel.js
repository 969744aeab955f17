/**
 * A link to the present view, a QR code of the canvas, and the canvas as a picture. The page loads it at its first use.
 */

import { AreaChoice } from '../view/area.js'
import { make } from '../page/elements.js'
import { save } from '../page/saving.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'
import { maxFactor, pngOf } from './picture.js'
import { qrCode } from './qr_code.js'

/** @typedef {import('../view/area.js').Rectangle} Rectangle */

/**
 * @param {HTMLElement} body
 * @param {object} page
 * @param {() => string} page.link  the address of the present view
 * @param {() => import('../canvas/canvas.js').Canvas | null} page.canvas
 * @param {() => string[]} page.palette
 * @param {(choice: AreaChoice) => void} page.choose  let drags on the canvas choose
 * @param {() => void} page.invalidate
 * @param {(text: string, kind: 'news' | 'trouble') => void} page.say
 * @returns {() => void}
 */
export function mountShare(body, page) {
  const areaChoice = new AreaChoice()
  page.choose(areaChoice)
  const link = make('textarea', { readOnly: true, value: page.link(), rows: 2, ariaLabel: t('link') })
  const copy = button(t('copyLink'), () => void copyLink(link, page.say))
  const whole = button(t('downloadWhole'), () => download(wholeOf(page.canvas())))
  const choose = button(t('chooseArea'), () => void chooseArea())
  const fields = /** @type {const} */ (['x', 'y', 'width', 'height']).map((name) =>
    make('input', { type: 'number', min: '0', required: true, name })
  )
  const factor = make('select', {}, ...[1, 2, 4, 8, 16].map((n) => make('option', { value: `${n}` }, `× ${n}`)))
  const part = button(t('downloadArea'), () => download(areaOf(fields, page.canvas())))

  async function chooseArea() {
    page.say(t('dragAnArea'), 'news')
    choose.setAttribute('aria-pressed', 'true')
    const area = await areaChoice.choose()
    choose.setAttribute('aria-pressed', 'false')
    if (area) for (const field of fields) field.value = String(area[/** @type {keyof Rectangle} */ (field.name)])
  }

  /** @param {Rectangle | null} area */
  function download(area) {
    const canvas = page.canvas()
    if (!canvas || !area) return page.say(t('noSuchArea', { width: canvas?.width ?? 0, height: canvas?.height ?? 0 }), 'trouble')
    if (Number(factor.value) > maxFactor(area)) return page.say(t('pictureTooLarge', { factor: maxFactor(area) }), 'trouble')
    pngOf(canvas, page.palette(), area, Number(factor.value)).then((png) => save(png, '.png'), (error) => page.say(String(error), 'trouble'))
  }

  body.replaceChildren(
    link,
    copy,
    qrCode(),
    make('h3', {}, t('picture')),
    make('label', {}, t('factor'), factor),
    whole,
    make('div', { className: 'fields' }, ...fields.map((field) => make('label', {}, t(/** @type {any} */ (`area_${field.name}`)), field))),
    make('div', { className: 'row' }, choose, part)
  )
  return () => {
    areaChoice.cancel()
    page.invalidate()
  }
}

/**
 * @param {string} text
 * @param {() => void} onclick
 */
function button(text, onclick) {
  return make('button', { type: 'button', onclick }, text)
}

/**
 * @param {HTMLTextAreaElement} link
 * @param {(text: string, kind: 'news' | 'trouble') => void} say
 */
export async function copyLink(link, say) {
  link.select()
  try {
    await navigator.clipboard.writeText(link.value)
    say(t('linkCopied'), 'news')
  } catch {
    say(t('copyByHand'), 'news') // the browser allows it only on secure pages; the link is selected
  }
}

/**
 * @param {import('../canvas/canvas.js').Canvas | null} canvas
 * @returns {Rectangle | null}
 */
function wholeOf(canvas) {
  return canvas && { x: 0, y: 0, width: canvas.width, height: canvas.height }
}

/**
 * @param {HTMLInputElement[]} fields  x, y, width, height
 * @param {import('../canvas/canvas.js').Canvas | null} canvas
 * @returns {Rectangle | null}  null if the canvas has no such area
 */
function areaOf(fields, canvas) {
  const [x, y, width, height] = fields.map((field) => field.valueAsNumber)
  const isInside =
    canvas && [x, y].every((n) => n >= 0) && [width, height].every((n) => n >= 1) &&
    [x, y, width, height].every(Number.isInteger) && x + width <= canvas.width && y + height <= canvas.height
  return isInside ? { x, y, width, height } : null
}
