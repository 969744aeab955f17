/**
 * The acts that were done, newest first, each with a button to undo it.
 */

import { make } from '../page/elements.js'
import { named } from '../page/named.js'
import { language, t } from '../words/language.js'
import { acts, perform, whyNotDone } from './asking.js'
import { nameOf } from './painters.js'
import { ShownList } from './shown_list.js'
import './texts.js'
import { when } from './when.js'

/** @typedef {import('./asking.js').Done} Done */

const KNOWN = ['ban', 'unban', 'restore', 'wipe', 'stamp', 'undo', 'protect', 'unprotect', 'open', 'close', 'announce', 'grow']
const FINAL = ['grow'] // a larger canvas stays larger
const MOMENT = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
const SHOWN_AUTHORS = 3
const FIRST = 20

/** @extends {ShownList<Done>} */
export class ActList extends ShownList {
  #done

  /** @param {() => Promise<unknown>} done  something was undone: show this list and others anew */
  constructor(done) {
    super({ heading: 'mod_acts', none: 'mod_noActs', more: 'mod_earlierActs', className: 'acts' }, acts, FIRST)
    this.#done = done
  }

  /**
   * @override
   * @param {Done} act
   */
  entry(act) {
    const { kind, time, by, name, pixels, done, undone, reason, text } = act
    const what = t(KNOWN.includes(kind) ? /** @type {import('../words/language.js').TextKey} */ (`mod_act_${kind}`) : 'mod_act_other')
    const facts = [
      named('mod_by', nameOf({ author: by, name })),
      ...whatOf(act).map((fact) => [fact]),
      ...(pixels ? [[t('mod_pixels', { count: pixels })]] : []),
      ...(done === false ? [[t('mod_unfinished')]] : []),
      ...(undone ? [[t('mod_undone')]] : []),
      ...[text, reason].flatMap((said) => (said ? [[make('bdi', {}, said)]] : []))
    ]
    const undo = make('button', { type: 'button', value: `${act.id}`, ariaLabel: `${t('mod_undoAct')}: ${what}`, onclick: () => void this.#undo(act) }, t('mod_undoAct'))
    return make('li', {}, make('span', {}, make('strong', {}, what), ' ', when(time), ...facts.flatMap((fact) => [' · ', ...fact])), ...(undone || FINAL.includes(kind) ? [] : [undo]))
  }

  /** @param {Done} act */
  #undo({ id }) {
    return this.attempt(async () => {
      try {
        await perform({ kind: 'undo', act: id })
      } finally {
        await this.#done() // the record shows the result, even without an answer
      }
    }, whyNotDone)
  }
}

/**
 * The details of an act: where, whom, until when.
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
