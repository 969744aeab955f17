/**
 * Looking after a canvas, for moderators and hosts: a button, and a panel with all their tools. While the panel is open, a
 * frame says that the person is moderating. Other people's browsers load none of this.
 */

import { element, make } from '../page/elements.js'
import { apart } from '../page/named.js'
import { ProtectedAreas } from '../view/protected_areas.js'
import { t } from '../words/language.js'
import { ActForm } from './act_form.js'
import { ActList } from './act_list.js'
import { AreaPart } from './area_part.js'
import { whyNot } from './asking.js'
import { eventForm } from './event_form.js'
import { Authors, nameOf as authorNameOf } from './painters.js'
import { BanList, ProtectionList } from './in_force.js'
import { keepLooking } from './keep_looking.js'
import { Looks } from './looks.js'
import { ReportList } from './report_list.js'
import { Missing } from './request.js'
import './texts.js'
import { goOn } from './when.js'

/** @typedef {import('../past/time_machine.js').TimeMachine} TimeMachine */
/** @typedef {import('../view/area.js').Rectangle} Rectangle */

/**
 * The parts of the page that the panel needs.
 * @typedef {object} Page
 * @property {import('../panels/panel.js').Panel} panel
 * @property {import('../view/screen.js').Screen} screen
 * @property {() => string[]} palette
 * @property {(color: number) => string} nameOf
 * @property {() => number} version  of the canvas that is shown
 * @property {() => TimeMachine | null} past  null before it was first opened
 * @property {() => Promise<TimeMachine>} timeMachine
 * @property {(choice: import('../view/area.js').AreaChoice) => void} choose  let drags on the canvas choose
 * @property {() => void} invalidate
 * @property {(text: string, kind: 'news' | 'trouble') => void} say
 */

const MOST_SCALE = 16 // screen pixels of a canvas pixel: one alone is seen among its neighbours
const SHARE = 0.5 // of the screen, for an area whose past is shown: the panel and the time line cover the rest
const SHIELD = 'M8 1.500 13.500 3.500v4c0 3.500-2.500 6-5.500 7-3-1-5.500-3.500-5.500-7v-4z'
const SVG = 'http://www.w3.org/2000/svg'

export class Moderation {
  #page
  #roles = /** @type {string[]} */ ([])
  #authors = new Authors(() => this.#form?.namedAuthors())
  #button = button()
  #frame = make('p', { id: 'moderating', hidden: true }, t('mod_moderating'))
  #form = /** @type {ActForm | null} */ (null)
  #protected

  /** @param {Page} page */
  constructor(page) {
    this.#page = page
    document.head.append(make('link', { rel: 'stylesheet', href: new URL('moderation.css', import.meta.url).href }))
    element('past').after(this.#button)
    element('state').append(this.#frame)
    this.#protected = new ProtectedAreas(page.screen)
    page.panel.add('moderation', 'mod_moderation', async (body) => this.#mount(body))
  }

  /**
   * Set the roles of the person at this browser.
   * @param {string[]} roles
   */
  gotRoles(roles) {
    this.#roles = roles
    const may = roles.some((role) => role === 'moderator' || role === 'host')
    this.#button.hidden = !may
    if (!may && this.#page.panel.open === 'moderation') this.#page.panel.close()
  }

  /**
   * The buttons on a pixel's card for moderators and hosts.
   * @param {{ author: string | null, name: string | null }} edit
   * @returns {HTMLElement[]}
   */
  cardButtons({ author, name }) {
    if (!author || this.#button.hidden) return []
    return [make('button', { type: 'button', onclick: () => this.#chooseAuthor({ author, name: name ?? undefined }) }, t('mod_banAuthor'))]
  }

  /** @param {{ author: string, name?: string | undefined }} author */
  async #chooseAuthor(author) {
    this.#authors.set(author, true)
    if (this.#page.panel.open !== 'moderation') await this.#page.panel.toggle('moderation')
    this.#form?.choose('ban')
    this.#page.say(t('mod_authorChosen', { name: apart(authorNameOf(author)) }), 'news')
  }

  /** @param {HTMLElement} body */
  #mount(body) {
    const { screen, palette, nameOf } = this.#page
    const canvas = () => screen.live // the canvas of the past may be smaller, and nobody changes it
    const area = new AreaPart({ ...this.#page, canvas })
    const look = (/** @type {Rectangle} */ found) => {
      area.choose(found)
      this.#lookAt(found)
    }
    // An act may change each of these: an undo may bring back a ban, and a protection be lifted by its own button.
    const done = () => Promise.all([acts, bans, protections].map((list) => list.refresh()))
    const acts = new ActList(done)
    const bans = new BanList(done)
    const protections = new ProtectionList({ done, look, show: (areas) => this.#protect(areas) })
    const reports = new ReportList(look)
    const form = (this.#form = new ActForm({ canvas, area, authors: this.#authors, colors: () => palette().map((_, color) => nameOf(color)), moment: () => this.#moment, done }))
    const who = make('button', { type: 'button', onclick: () => void form.who() }, t('mod_whoPainted'))
    const past = make('button', { type: 'button', onclick: () => void this.#seePast(area) }, t('mod_seePast'))
    const parts = [area.node, make('div', { className: 'row' }, who, past), this.#authors.node, form.node, reports.node, bans.node, protections.node, acts.node]
    const event = this.#roles.includes('host') ? eventForm({ canvas, done }) : null
    if (event) parts.push(event.node)
    const sections = [reports.node, bans.node, protections.node, acts.node, ...(event ? [event.node] : [])]
    body.replaceChildren(make('div', { className: 'moderation' }, ways(sections), ...parts))
    for (const list of [reports, bans, protections, acts]) void list.load()
    this.#frame.hidden = false
    document.body.dataset.moderating = ''
    const looks = new Looks({ acts, bans, protections, reports }, this.#page.version)
    const end = keepLooking(async () => {
      goOn(body, Date.now())
      form.grow()
      event?.grow()
      await looks.look(Date.now())
    })
    return () => {
      end()
      area.end()
      this.#form = null
      this.#frame.hidden = true
      this.#protect([])
      delete document.body.dataset.moderating
    }
  }

  /** @param {Rectangle[]} areas  the areas to draw while the panel is open */
  #protect(areas) {
    this.#protected.show(this.#frame.hidden ? [] : areas)
  }

  /** The moment on the time line; null: the present. */
  get #moment() {
    const state = this.#page.past()?.state
    return state && !state.now ? state.moment : null
  }

  /** @param {AreaPart} part */
  async #seePast(part) {
    try {
      if (!part.area) throw new Missing('mod_noArea')
      this.#lookAt(part.area)
    } catch (error) {
      return this.#page.say(whyNot(error), 'trouble')
    }
    await (await this.#page.timeMachine()).open()
  }

  /** @param {Rectangle} area */
  #lookAt({ x, y, width, height }) {
    const { clientWidth, clientHeight } = element('canvas')
    const scale = Math.min(MOST_SCALE, Math.max(1, Math.min(clientWidth / width, clientHeight / height) * SHARE))
    this.#page.screen.lookAt(x + width / 2, y + height / 2, scale, true)
  }
}

/**
 * The buttons that lead to the panel's sections, which are far apart: a host who has to close the canvas at once must not
 * search.
 * @param {HTMLElement[]} sections
 */
function ways(sections) {
  const nav = make('nav', { ariaLabel: t('mod_goTo') })
  for (const section of sections) {
    const heading = /** @type {HTMLElement} */ (section.querySelector('h3'))
    heading.tabIndex = -1
    const go = () => {
      section.scrollIntoView()
      heading.focus({ preventScroll: true })
    }
    nav.append(make('button', { type: 'button', onclick: go }, heading.textContent ?? ''))
  }
  return nav
}

/** The button that opens the panel. */
function button() {
  const label = t('mod_moderation')
  const made = make('button', { id: 'moderation', type: 'button', ariaLabel: label, title: label, ariaExpanded: 'false', hidden: true })
  const [svg, path] = [document.createElementNS(SVG, 'svg'), document.createElementNS(SVG, 'path')]
  svg.setAttribute('viewBox', '0 0 16 16')
  path.setAttribute('d', SHIELD)
  svg.append(path)
  made.append(svg)
  return made
}
