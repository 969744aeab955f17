/**
 * The acts that were done, newest first, each to be undone.
 */

import { ago } from '../past/pixel_card.js'
import '../past/texts.js'
import { make } from '../page/elements.js'
import { t } from '../words/language.js'
import { acts, perform, whyNot } from './asking.js'
import { nameOf } from './painters.js'
import './texts.js'

/** @typedef {import('./asking.js').Done} Done */

const KNOWN = ['ban', 'unban', 'restore', 'wipe', 'stamp', 'undo', 'protect', 'unprotect', 'open', 'close', 'announce', 'grow']
const FINAL = ['grow'] // what has become larger stays so

export class ActList {
  node
  #list = make('ol', { className: 'acts' })
  #more = make('button', { type: 'button', hidden: true, onclick: () => void this.#load() }, t('mod_earlierActs'))
  #trouble = make('p', { className: 'trouble', role: 'alert', hidden: true })
  #next = /** @type {number | null} */ (null)

  constructor() {
    this.node = make('section', {}, make('h3', {}, t('mod_acts')), this.#trouble, this.#list, this.#more)
    void this.refresh()
  }

  /** Show what has been done by now. */
  async refresh() {
    this.#next = null
    await this.#load()
  }

  async #load() {
    const before = this.#next
    await this.#try(async () => {
      const page = await acts(before)
      const entries = page.acts.map((act) => this.#entry(act))
      if (before === null) this.#list.replaceChildren(...(entries.length ? entries : [make('li', {}, t('mod_noActs'))]))
      else this.#list.append(...entries)
      this.#next = page.next
      this.#more.hidden = page.next === null
    })
  }

  /** @param {Done} act */
  #entry(act) {
    const { kind, time, by, name, pixels, done, undone, reason, text } = act
    const at = new Date(time)
    const what = t(KNOWN.includes(kind) ? /** @type {import('../words/language.js').TextKey} */ (`mod_act_${kind}`) : 'mod_act_other')
    const when = make('time', { dateTime: time, title: at.toLocaleString() }, ago(at.getTime(), Date.now()))
    const facts = [
      t('mod_by', { name: nameOf({ author: by, name }) }),
      ...(pixels ? [t('mod_pixels', { count: pixels })] : []),
      ...(done === false ? [t('mod_unfinished')] : []),
      ...(undone ? [t('mod_undone')] : []),
      ...(text ? [text] : []),
      ...(reason ? [reason] : [])
    ]
    const undo = make('button', { type: 'button', ariaLabel: `${t('mod_undoAct')}: ${what}`, onclick: () => void this.#undo(act) }, t('mod_undoAct'))
    return make('li', {}, make('span', {}, make('strong', {}, what), ' ', when, ...facts.flatMap((fact) => [' · ', fact])), ...(undone || FINAL.includes(kind) ? [] : [undo]))
  }

  /** @param {Done} act */
  #undo({ id }) {
    return this.#try(async () => {
      await perform({ kind: 'undo', act: id })
      await this.refresh()
    })
  }

  /** @param {() => Promise<void>} act */
  async #try(act) {
    if (this.node.ariaBusy === 'true') return act()
    this.node.ariaBusy = 'true'
    this.#trouble.hidden = true
    try {
      await act()
    } catch (error) {
      this.#trouble.textContent = whyNot(error)
      this.#trouble.hidden = false
    } finally {
      this.node.ariaBusy = 'false'
    }
  }
}
