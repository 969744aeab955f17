/**
 * The panel of a person who isn't signed in: how to sign in here, and the form, or the buttons, for it.
 */

import { make } from '../page/elements.js'
import { t } from '../words/language.js'

/** @typedef {import('./people.js').People} People */

const PLACE_KEY = 'placed.place' // the view before the provider's site replaced the page
const MOST_CHARACTERS = 200 // the server refuses longer ones

/**
 * @param {HTMLElement} body
 * @param {People} people
 * @returns {() => void} does nothing, as time passes
 */
export function mountSignIn(body, people) {
  const { mode, join, codes, providers } = people.signIn
  const trouble = make('p', { className: 'trouble', id: 'sign-in-trouble', role: 'alert' }, people.trouble)
  const forms = mode === 'open' ? [] : mode === 'oidc' ? providersOf(providers) : mode === 'proxy' ? proxyOf() : [
    ...(join ? joinForm(people) : []),
    ...(codes || !join ? codeForm(people, join) : [])
  ]
  body.replaceChildren(make('div', { className: 'people' }, ...(people.trouble ? [trouble] : []), ...forms))
  return () => {}
}

/** Go back to the view from before the person signed in at another site. */
export function comeBack() {
  try {
    const place = sessionStorage.getItem(PLACE_KEY)
    sessionStorage.removeItem(PLACE_KEY)
    if (place && !location.hash) location.replace(place) // goes there, and adds no step to the history
  } catch {
    // A browser that forbids it shows the whole canvas.
  }
}

/**
 * @param {People} people
 * @param {boolean} isSecond  below the form for a word
 */
function codeForm(people, isSecond) {
  const code = field(people, 'code', { autocapitalize: 'characters', spellcheck: false, autocomplete: 'off' })
  return [
    isSecond ? make('h3', {}, t('orCode')) : make('p', {}, t('needsCode')),
    form([make('label', {}, t('code'), code)], t('people'), () => people.enter({ code: code.value.trim() }), !isSecond)
  ]
}

/** @param {People} people */
function joinForm(people) {
  const word = field(people, 'join', { autocapitalize: 'none', spellcheck: false, autocomplete: 'off' })
  const name = field(people, 'name', {})
  name.setAttribute('autocomplete', 'nickname')
  const hint = make('small', { id: 'name-hint' }, t('nameHint'))
  name.setAttribute('aria-describedby', hint.id)
  const fields = [make('label', {}, t('word'), word), make('label', {}, t('yourName'), name), hint]
  return [
    make('p', {}, t('needsWord')),
    form(fields, t('join'), () => people.enter({ join: word.value.trim(), name: name.value.trim() }))
  ]
}

/** @param {{ name: string, title: string }[]} providers */
function providersOf(providers) {
  const links = providers.map(({ name, title }) => {
    const onclick = () => sessionStorage.setItem(PLACE_KEY, location.hash)
    return make('a', { className: 'go', href: `sign-in/oidc/${encodeURIComponent(name)}`, onclick }, t('signInWith', { title }))
  })
  return [make('p', {}, t('needsAccount')), ...links]
}

function proxyOf() {
  return [make('p', {}, t('needsProxy')), make('button', { type: 'button', className: 'main', onclick: () => location.reload() }, t('loadAgain'))]
}

/**
 * @param {People} people
 * @param {'code' | 'join' | 'name'} name
 * @param {Partial<HTMLInputElement>} properties
 */
function field(people, name, properties) {
  return make('input', { type: 'text', name, value: people.typed[name] ?? '', required: true, maxLength: MOST_CHARACTERS, ...properties })
}

/**
 * @param {HTMLElement[]} fields
 * @param {string} label  of the button
 * @param {() => Promise<unknown>} act
 * @param {boolean} [isMain]  what the panel is opened for
 */
export function form(fields, label, act, isMain = true) {
  const button = make('button', { className: isMain ? 'main' : '' }, label)
  const made = make('form', {}, ...fields, button)
  made.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (button.getAttribute('aria-disabled')) return
    // Not `disabled`: the button would lose the focus.
    button.setAttribute('aria-disabled', 'true')
    await act()
    button.removeAttribute('aria-disabled')
  })
  return made
}
