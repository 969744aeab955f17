/**
 * The acts that were done, newest first, each to be undone.
 */

import { ago } from '../past/pixel_card.js'
import '../past/texts.js'
import { make } from '../page/elements.js'
import { named } from '../page/named.js'
import { language, t } from '../words/language.js'
import { acts, perform, whyNot, whyNotDone } from './asking.js'
import { keepingFocus } from './focus.js'
import { nameOf } from './painters.js'
import { Telling } from './list_status.js'
import './texts.js'

/** @typedef {import('./asking.js').Done} Done */

const KNOWN = ['ban', 'unban', 'restore', 'wipe', 'stamp', 'undo', 'protect', 'unprotect', 'open', 'close', 'announce', 'grow']
const FINAL = ['grow'] // what has become larger stays so
const MOMENT = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
const SHOWN_AUTHORS = 3

export class ActList {
  node
  #list = make('ol', { className: 'acts' })
  #more = make('button', { type: 'button', hidden: true, onclick: () => void this.#load() }, t('mod_earlierActs'))
  #loading = new Telling()
  #undoing = new Telling()
  #next = /** @type {number | null} */ (null)
  #done

  /** @param {() => void} done  something was undone, so this list and others are to be shown anew */
  constructor(done) {
    this.#done = done
    this.node = make('section', {}, make('h3', {}, t('mod_acts')), this.#loading.node, this.#undoing.node, this.#list, this.#more)
  }

  /** Show what has been done by now. */
  async refresh() {
    this.#next = null
    await this.#load()
  }

  async #load() {
    const before = this.#next
    await this.#loading.during(async () => {
      const page = await acts(before)
      const entries = page.acts.map((act) => this.#entry(act))
      keepingFocus(this.node, () => {
        if (before === null) this.#list.replaceChildren(...(entries.length ? entries : [make('li', {}, t('mod_noActs'))]))
        else this.#list.append(...entries)
        this.#more.hidden = page.next === null
      })
      this.#next = page.next
    }, whyNot)
  }

  /** @param {Done} act */
  #entry(act) {
    const { kind, time, by, name, pixels, done, undone, reason, text } = act
    const at = new Date(time)
    const what = t(KNOWN.includes(kind) ? /** @type {import('../words/language.js').TextKey} */ (`mod_act_${kind}`) : 'mod_act_other')
    const when = make('time', { dateTime: time, title: at.toLocaleString() }, ago(at.getTime(), Date.now()))
    const facts = [
      named('mod_by', nameOf({ author: by, name })),
      ...whatOf(act).map((fact) => [fact]),
      ...(pixels ? [[t('mod_pixels', { count: pixels })]] : []),
      ...(done === false ? [[t('mod_unfinished')]] : []),
      ...(undone ? [[t('mod_undone')]] : []),
      ...[text, reason].flatMap((said) => (said ? [[make('bdi', {}, said)]] : []))
    ]
    const undo = make('button', { type: 'button', value: `${act.id}`, ariaLabel: `${t('mod_undoAct')}: ${what}`, onclick: () => void this.#undo(act) }, t('mod_undoAct'))
    return make('li', {}, make('span', {}, make('strong', {}, what), ' ', when, ...facts.flatMap((fact) => [' · ', ...fact])), ...(undone || FINAL.includes(kind) ? [] : [undo]))
  }

  /** @param {Done} act */
  #undo({ id }) {
    if (this.node.ariaBusy === 'true') return // who presses twice is not to undo it twice
    this.node.ariaBusy = 'true'
    return this.#undoing.during(async () => {
      try {
        await perform({ kind: 'undo', act: id })
      } finally {
        this.node.ariaBusy = 'false'
        this.#done() // what came of it is on record, also where nobody has told
      }
    }, whyNotDone)
  }
}

/**
 * What an act was about: where, whom, until when.
 * @param {Done} act
 */
function whatOf({ kind, area, at, authors, authors_count: count, until }) {
  const [x, y, width, height] = (area ?? []).map(String)
  const some = (authors ?? []).slice(0, SHOWN_AUTHORS)
  const others = (count ?? authors?.length ?? 0) - some.length
  return [
    ...(area ? [t('mod_areaAt', { x, y, width, height })] : []),
    ...some.map((author) => nameOf({ author })),
    ...(others ? [t('mod_others', { count: others })] : []),
    ...(at ? [t('mod_plannedFor', { moment: MOMENT.format(Date.parse(at)) })] : []),
    ...(until ? [t('mod_untilThen', { moment: MOMENT.format(Date.parse(until)) })] : kind === 'ban' ? [t('mod_forGood')] : [])
  ]
}
