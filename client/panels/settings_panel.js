/**
 * The settings, as switches and choices. The page loads them at their first use.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'
import { CHOICES } from '../page/settings.js'

const SWITCHES = /** @type {const} */ (['grid', 'glow', 'signs', 'sound', 'keys'])

/**
 * @param {HTMLElement} body
 * @param {import('../page/settings.js').Settings} settings
 */
export function mountSettings(body, settings) {
  const switches = SWITCHES.map((name) => {
    const input = make('input', { type: 'checkbox', checked: settings.values[name] })
    input.addEventListener('change', () => settings.set({ [name]: input.checked }))
    return make('label', { className: 'row' }, input, make('span', {}, t(`setting_${name}`)))
  })
  const choices = Object.entries(CHOICES).map(([name, values]) => {
    const options = values.map((value) => make('option', { value }, t(/** @type {any} */ (`setting_${name}_${value}`))))
    const select = make('select', {}, ...options)
    select.value = settings.values[/** @type {keyof typeof CHOICES} */ (name)]
    select.addEventListener('change', () => settings.set({ [name]: select.value }))
    return make('label', {}, t(/** @type {any} */ (`setting_${name}`)), select)
  })
  body.replaceChildren(...switches, ...choices)
}
