/**
 * The words around the canvas: connection, numbers, position, charges, and messages. Each is written only when it changes,
 * so that the page can call this on every tick, and a screen reader hears only news.
 */

import { duration } from '../words/duration.js'
import { element } from './elements.js'
import { t } from '../words/language.js'
import { whyRefused } from '../stream/refusals.js'

const MESSAGE_MS = 6_000
const ANNOUNCE_MS = 250 // a held arrow key would have a screen reader say a hundred positions

const WORDS = {
  connecting: t('connecting'),
  'catching-up': t('catchingUp'),
  live: t('live'),
  'read-only': t('readOnly'),
  offline: t('offline')
}
/** The texts for each kind of refusal. All other kinds are offline. */
const REFUSALS = /** @type {Partial<Record<import('../stream/refusals.js').Kind, string>>} */ ({
  full: t('full'),
  refused: t('refusedHere'),
  'signed-out': t('signedOutHere'),
  misdirected: t('refusedHere'),
  restarting: t('restarting'),
  altered: t('altered')
})

export class StatusBar {
  #connection = element('connection')
  #numbers = element('numbers')
  #retry = element('retry')
  #position = element('position')
  #charges = element('charges')
  #next = element('next')
  #meter = element('meter')
  #cooldown = element('cooldown')
  #message = element('message')
  #announcer = element('announcer')
  #messageTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)
  #announceTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)

  /**
   * @param {import('../stream/resync.js').Resync} resync
   * @param {number} now
   */
  showConnection(resync, now) {
    const { connection: state, refusal, polls } = resync.standing
    const seconds = Math.ceil(resync.standing.retryInMs(now) / 1000)
    const refused = state === 'offline' ? refusal : null
    write(this.#connection, (refused && REFUSALS[refused.kind]) ?? WORDS[state])
    const title = refused ? whyRefused(refused) : polls && state === 'live' ? t('polling') : ''
    if (this.#connection.title !== title) this.#connection.title = title
    this.#connection.dataset.state = state
    write(this.#retry, state === 'offline' ? t('retryNow', { seconds }) : '')
    this.#retry.hidden = state !== 'offline'
  }

  /**
   * @param {{ viewers: number | null, perSecond: number, lag: number }} numbers  `viewers` null: not known;
   *   `lag` in records
   */
  showNumbers({ viewers, perSecond, lag }) {
    const parts = []
    if (lag > 0) parts.push(t('behind', { count: lag }))
    if (viewers !== null) parts.push(t('watching', { count: viewers }))
    if (perSecond > 0) parts.push(t('perSecond', { count: perSecond }))
    write(this.#numbers, parts.join(' · '))
  }

  /**
   * @param {{ x: number, y: number, color: string } | null} pixel
   */
  showPosition(pixel) {
    write(this.#position, pixel ? `${pixel.x}, ${pixel.y} · ${pixel.color}` : '')
  }

  /**
   * @param {import('../painting/cooldown.js').CooldownClock} clock
   * @param {number} now
   */
  showCooldown(clock, now) {
    this.#cooldown.hidden = !clock.limited
    if (!clock.limited) return
    const remaining = clock.remaining(now)
    const nextMs = clock.nextMs(now)
    write(this.#charges, t('ready', { count: remaining, charges: clock.charges }))
    write(this.#next, nextMs > 0 ? t('nextIn', { time: duration(nextMs / 1000) }) : '')
    this.#cooldown.dataset.empty = String(remaining === 0)
    const part = (remaining + (nextMs > 0 ? clock.progress(now) : 0)) / clock.charges
    this.#meter.style.setProperty('--part', part.toFixed(3))
  }

  /**
   * Show a message once; it disappears by itself.
   *
   * @param {string} text
   * @param {'news' | 'trouble'} kind
   */
  say(text, kind) {
    clearTimeout(this.#messageTimer)
    this.#message.textContent = text
    this.#message.dataset.kind = kind
    this.#message.classList.add('shown')
    this.#messageTimer = setTimeout(() => this.#message.classList.remove('shown'), MESSAGE_MS)
  }

  /**
   * Tell only a screen reader, once nothing newer has come for a moment.
   * @param {string} text
   */
  announce(text) {
    clearTimeout(this.#announceTimer)
    this.#announceTimer = setTimeout(() => (this.#announcer.textContent = text), ANNOUNCE_MS)
  }
}

/**
 * @param {HTMLElement} target
 * @param {string} text
 */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text
}
