/**
 * Present bans and protected areas, each with a button to lift it.
 */

import { make } from '../page/elements.js'
import { language, t } from '../words/language.js'
import { bans, perform, protections, whyNotDone } from './asking.js'
import { nameOf } from './painters.js'
import { ShownList } from './shown_list.js'
import './texts.js'

/** @typedef {import('../view/area.js').Rectangle} Rectangle */
/** @typedef {import('../words/language.js').TextKey} TextKey */
/** @typedef {import('./asking.js').Ban} Ban */
/** @typedef {import('./asking.js').Protection} Protection */
/** @typedef {import('./request.js').ActRequest} ActRequest */

const MOMENT = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })
const FIRST = 20

/**
 * A list of present bans or protections.
 *
 * @template Item
 * @extends {ShownList<Item>}
 */
class InForce extends ShownList {
  #done

  /**
   * @param {{ heading: TextKey, none: TextKey, className: string }} words
   * @param {(from: number | null, limit: number) => Promise<import('./listed.js').Page<Item>>} page
   * @param {() => Promise<unknown>} done  something was lifted: show this list and others anew
   */
  constructor(words, page, done) {
    super({ ...words, more: 'mod_more' }, page, FIRST)
    this.#done = done
  }

  /**
   * The button that lifts one of them.
   *
   * @param {string} what  the ban or area to lift, for screen readers
   * @param {string} value  distinguishes it from others, which may have the same name
   * @param {ActRequest} act
   */
  lifting(what, value, act) {
    const lift = () => this.attempt(async () => {
      try {
        await perform(act)
      } finally {
        await this.#done() // the record shows the result, even without an answer
      }
    }, whyNotDone)
    return make('button', { type: 'button', value, ariaLabel: `${t('mod_lift')}: ${what}`, onclick: () => void lift() }, t('mod_lift'))
  }
}

/**
 * Who is banned now, and until when.
 * @extends {InForce<Ban>}
 */
export class BanList extends InForce {
  /** @param {() => Promise<unknown>} done */
  constructor(done) {
    super({ heading: 'mod_banned', none: 'mod_nobodyBanned', className: 'bans' }, bans, done)
  }

  /**
   * Whether one of the shown bans has ended by now.
   * @param {number} now  ms since the epoch
   */
  hasEnded(now) {
    return this.items.some(({ until }) => until !== null && Date.parse(until) <= now)
  }

  /**
   * @override
   * @param {Ban} ban
   */
  entry({ author, name, until }) {
    const shown = nameOf({ author, name })
    const when = until === null ? t('mod_forGood') : t('mod_untilThen', { moment: MOMENT.format(Date.parse(until)) })
    const who = make('span', { title: author }, make('bdi', {}, shown), ' · ', when)
    return make('li', {}, who, this.lifting(shown, author, { kind: 'unban', authors: [author] }))
  }
}

/**
 * Which areas are protected now.
 * @extends {InForce<Protection>}
 */
export class ProtectionList extends InForce {
  #show
  #look

  /**
   * @param {object} page
   * @param {() => Promise<unknown>} page.done
   * @param {(areas: Rectangle[]) => void} page.show  these are protected
   * @param {(area: Rectangle) => void} page.look  at this one
   */
  constructor({ done, show, look }) {
    super({ heading: 'mod_protected', none: 'mod_nothingProtected', className: 'protections' }, protections, done)
    this.#show = show
    this.#look = look
  }

  /** @override */
  changed() {
    this.#show(this.items.map(({ area }) => area))
  }

  /**
   * @override
   * @param {Protection} protection
   */
  entry({ act, area }) {
    const where = t('mod_areaAt', { ...words(area) })
    const look = make('button', { type: 'button', value: `${act}`, ariaLabel: `${t('mod_lookThere')}: ${where}`, onclick: () => this.#look(area) }, t('mod_lookThere'))
    return make('li', {}, make('span', {}, where), make('div', { className: 'row' }, look, this.lifting(where, `${act}`, { kind: 'unprotect', act })))
  }
}

/**
 * An area's numbers, without a thousands separator, since they are places.
 * @param {Rectangle} area
 */
export function words({ x, y, width, height }) {
  return { x: `${x}`, y: `${y}`, width: `${width}`, height: `${height}` }
}
