/**
 * What holds now, each to be lifted: who is banned, and which areas are protected.
 */

import { make } from '../page/elements.js'
import { language, t } from '../words/language.js'
import { bans, perform, protections, whyNot, whyNotDone } from './asking.js'
import { keepingFocus } from './focus.js'
import { nameOf } from './painters.js'
import { Telling } from './list_status.js'
import './texts.js'

/** @typedef {import('../view/area.js').Rectangle} Rectangle */
/** @typedef {import('../words/language.js').TextKey} TextKey */
/** @typedef {import('./request.js').ActRequest} ActRequest */
/** @typedef {{ entries: HTMLElement[], next: number | null }} Page  of a list: some of its entries, and where it goes on */

const MOMENT = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' })

/** A list of what holds now; `page` gets the entries from a place on. */
class InForce {
  node
  #list
  #more = make('button', { type: 'button', hidden: true, onclick: () => void this.#load(this.#next) }, t('mod_more'))
  #loading = new Telling()
  #lifting = new Telling()
  #next = 0
  #none
  #done

  /**
   * @param {{ heading: TextKey, none: TextKey, className: string }} words
   * @param {() => void} done  something was lifted, so this list and others are to be shown anew
   */
  constructor({ heading, none, className }, done) {
    this.#none = none
    this.#done = done
    this.#list = make('ul', { className })
    this.node = make('section', {}, make('h3', {}, t(heading)), this.#loading.node, this.#lifting.node, this.#list, this.#more)
  }

  /**
   * Some of the entries.
   * @param {number} _from  how many go before them
   * @returns {Promise<Page>}
   */
  async page(_from) {
    return { entries: [], next: null }
  }

  /** Show what holds by now. */
  refresh() {
    return this.#load(0)
  }

  /** @param {number} from */
  #load(from) {
    return this.#loading.during(async () => {
      const { entries, next } = await this.page(from)
      keepingFocus(this.node, () => {
        if (from) this.#list.append(...entries)
        else this.#list.replaceChildren(...(entries.length ? entries : [make('li', {}, t(this.#none))]))
        this.#more.hidden = next === null
      })
      this.#next = next ?? 0
    }, whyNot)
  }

  /**
   * The button that lifts one of them.
   *
   * @param {string} what  it lifts, for screen readers
   * @param {ActRequest} act
   */
  lifting(what, act) {
    const lift = () => this.#lifting.during(async () => {
      await perform(act)
      this.#done()
    }, whyNotDone)
    return make('button', { type: 'button', value: what, ariaLabel: `${t('mod_lift')}: ${what}`, onclick: () => void lift() }, t('mod_lift'))
  }
}

/** Who is banned now, and until when. */
export class BanList extends InForce {
  /** @param {() => void} done */
  constructor(done) {
    super({ heading: 'mod_banned', none: 'mod_nobodyBanned', className: 'bans' }, done)
  }

  /**
   * @override
   * @param {number} from
   */
  async page(from) {
    const found = await bans(from)
    const entries = found.bans.map(({ author, name, until }) => {
      const shown = nameOf({ author, name })
      const when = until === null ? t('mod_forGood') : t('mod_untilThen', { moment: MOMENT.format(Date.parse(until)) })
      const who = make('span', { title: author }, make('bdi', {}, shown), ' · ', when)
      return make('li', {}, who, this.lifting(shown, { kind: 'unban', authors: [author] }))
    })
    return { entries, next: found.next }
  }
}

/** Which areas are protected now. */
export class ProtectionList extends InForce {
  #show
  #look

  /**
   * @param {object} page
   * @param {() => void} page.done
   * @param {(areas: Rectangle[]) => void} page.show  these are protected
   * @param {(area: Rectangle) => void} page.look  at this one
   */
  constructor({ done, show, look }) {
    super({ heading: 'mod_protected', none: 'mod_nothingProtected', className: 'protections' }, done)
    this.#show = show
    this.#look = look
  }

  /** @override */
  async page() {
    const found = await protections()
    this.#show(found.map(({ area }) => area))
    const entries = found.map(({ act, area }) => {
      const where = t('mod_areaAt', { ...words(area) })
      const look = make('button', { type: 'button', value: where, ariaLabel: `${t('mod_lookThere')}: ${where}`, onclick: () => this.#look(area) }, t('mod_lookThere'))
      return make('li', {}, make('span', {}, where), look, this.lifting(where, { kind: 'unprotect', act }))
    })
    return { entries, next: null }
  }
}

/**
 * An area's numbers, which are places and aren't written with a thousands separator.
 * @param {Rectangle} area
 */
export function words({ x, y, width, height }) {
  return { x: `${x}`, y: `${y}`, width: `${width}`, height: `${height}` }
}
