/**
 * The panel of a person who is signed in: their name, role and charges, the form to change the name, and the buttons to sign
 * out.
 */

import { duration } from '../words/duration.js'
import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import '../words/more_texts.js'
import { whyRefused } from './asking.js'
import { form } from './sign_in.js'

/** @typedef {import('./people.js').People} People */

const ROLES = /** @type {const} */ (['bot', 'moderator', 'host'])
const MOST_CHARACTERS = 200

/**
 * @param {HTMLElement} body
 * @param {People} people
 * @param {import('./people.js').Page} page
 * @returns {() => void}  call it as time passes
 */
export function mountCard(body, people, page) {
  const { name, roles } = /** @type {import('./person.js').Me} */ (people.person.me)
  const trouble = make('p', { className: 'trouble', role: 'alert', hidden: true })
  const charges = make('dd', {})
  const known = ROLES.filter((role) => roles.includes(role))
  const facts = /** @type {HTMLElement[]} */ ([])
  if (known.length) facts.push(make('dt', {}, t('role')), make('dd', {}, known.map((role) => t(`role_${role}`)).join(', ')))
  facts.push(make('dt', {}, t('ownCharges')), charges)

  /** @param {() => Promise<void>} act */
  const attempt = async (act) => {
    trouble.hidden = true
    try {
      await act()
    } catch (error) {
      trouble.textContent = whyRefused(error)
      trouble.hidden = false
    }
  }

  const tick = () => {
    const { cooldown } = page
    const now = Date.now()
    const next = cooldown.nextMs(now)
    const ready = t('ready', { count: cooldown.remaining(now), charges: cooldown.charges })
    const text = !cooldown.limited ? t('unlimited') : next ? `${ready}, ${t('nextIn', { time: duration(next / 1_000) })}` : ready
    if (charges.textContent !== text) charges.textContent = text
  }

  tick()
  const parts = [...waiting(people), make('p', { className: 'who' }, name ? t('signedInAs', { name }) : t('signedIn')), make('dl', {}, ...facts), trouble, ...nameForm(people, page, attempt), ...exits(people, attempt)]
  body.replaceChildren(make('div', { className: 'people' }, ...parts))
  return tick
}

/**
 * A link has brought a code to a person who is already signed in.
 * @param {People} people
 */
function waiting(people) {
  const brought = people.waiting
  if (!brought) return people.trouble ? [make('p', { className: 'trouble', role: 'alert' }, people.trouble)] : []
  const use = make('button', { type: 'button', onclick: () => void people.enter(brought) }, t('useCode'))
  return [make('p', { role: 'alert' }, t('anotherCode')), use]
}

/**
 * @param {People} people
 * @param {import('./people.js').Page} page
 * @param {(act: () => Promise<void>) => Promise<void>} attempt
 */
function nameForm(people, page, attempt) {
  if (people.signIn.mode === 'proxy') return []
  const value = people.person.me?.name ?? ''
  const name = make('input', { type: 'text', name: 'name', required: true, maxLength: MOST_CHARACTERS, value })
  name.setAttribute('autocomplete', 'nickname')
  const hint = make('small', { id: 'name-hint' }, t('nameHint'))
  name.setAttribute('aria-describedby', hint.id)
  const rename = async () => {
    await people.person.rename(name.value.trim())
    page.say(t('renamed', { name: people.person.me?.name ?? '' }), 'news')
  }
  return [form([make('label', {}, t('yourName'), name), hint], t('changeName'), () => attempt(rename), false)]
}

/**
 * @param {People} people
 * @param {(act: () => Promise<void>) => Promise<void>} attempt
 */
function exits(people, attempt) {
  if (people.signIn.mode === 'proxy') return [make('p', {}, t('signedInBefore'))]
  const out = (/** @type {boolean} */ everywhere) => () => void attempt(() => people.leave(everywhere))
  return [
    make('div', { className: 'row' },
      make('button', { type: 'button', onclick: out(false) }, t('signOut')),
      make('button', { type: 'button', onclick: out(true) }, t('signOutEverywhere'))
    ),
    make('small', {}, t('everywhere'), ...(people.signIn.join ? [' ', t('notBack')] : []))
  ]
}
