/**
 * The words around the canvas: connection, position, charges, and messages. Each is written only when it changes, so
 * that it can be called on every tick, and a screen reader hears only news.
 */

import { t } from './language.js'
import { duration } from './posting.js'

/** @typedef {import('./resync.js').Connection} ConnectionState */

const MESSAGE_MS = 6_000

const WORDS = {
  connecting: t('connecting'),
  'catching-up': t('catchingUp'),
  live: t('live'),
  'read-only': t('readOnly'),
  offline: t('offline')
}

export class StatusBar {
  #connection = element('connection')
  #retry = element('retry')
  #position = element('position')
  #charges = element('charges')
  #next = element('next')
  #meter = element('meter')
  #cooldown = element('cooldown')
  #message = element('message')
  #messageTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined)

  /**
   * @param {ConnectionState} state
   * @param {number} retryInMs
   */
  showConnection(state, retryInMs) {
    const seconds = Math.ceil(retryInMs / 1000)
    write(this.#connection, WORDS[state])
    this.#connection.dataset.state = state
    write(this.#retry, state === 'offline' ? `Retry now (${seconds} s)` : '')
    this.#retry.hidden = state !== 'offline'
  }

  /**
   * @param {{ x: number, y: number, color: string } | null} pixel
   */
  showPosition(pixel) {
    write(this.#position, pixel ? `${pixel.x}, ${pixel.y} · ${pixel.color}` : '')
  }

  /**
   * @param {import('./cooldown.js').CooldownClock} clock
   * @param {number} now
   */
  showCooldown(clock, now) {
    this.#cooldown.hidden = !clock.limited
    if (!clock.limited) return
    const remaining = clock.remaining(now)
    const nextMs = clock.nextMs(now)
    write(this.#charges, `${remaining} of ${clock.charges} ${clock.charges === 1 ? 'pixel' : 'pixels'} ready`)
    write(this.#next, nextMs > 0 ? `next in ${duration(nextMs / 1000)}` : '')
    this.#cooldown.dataset.empty = String(remaining === 0)
    const part = (remaining + (nextMs > 0 ? clock.progress(now) : 0)) / clock.charges
    this.#meter.style.setProperty('--part', part.toFixed(3))
  }

  /**
   * Tell something once; it goes by itself.
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
}

/** @param {string} id */
function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no element ${JSON.stringify(id)}`)
  return found
}

/**
 * @param {HTMLElement} target
 * @param {string} text
 */
function write(target, text) {
  if (target.textContent !== text) target.textContent = text
}
