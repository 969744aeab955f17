/**
 * Reacts to the browser's reports: somebody looks at the page or nobody does, the machine slept, the network went or came
 * back. Pure. Times are milliseconds since the epoch.
 */

/** @typedef {import('./commands.js').Command} Command */

export class Attention {
  #backOff
  #fallback
  #presence
  #steps

  /**
   * @param {object} parts
   * @param {import('./back_off.js').BackOff} parts.backOff
   * @param {import('./fallback.js').Fallback} parts.fallback
   * @param {import('./presence.js').Presence} parts.presence
   * @param {import('./steps.js').Steps} parts.steps
   */
  constructor({ backOff, fallback, presence, steps }) {
    this.#backOff = backOff
    this.#fallback = fallback
    this.#presence = presence
    this.#steps = steps
  }

  /**
   * A person asked, or there is a reason to doubt the stream: ask the server now.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  probe(now) {
    this.#steps.patience.reset()
    this.#backOff.reset()
    if (this.#steps.name === 'waiting') return this.#steps.goOn(now)
    if (this.#steps.isFollowing) return this.#steps.enter('delta', now)
    return this.#steps.hasEdits ? this.#steps.enter('stream', now) : null
  }

  /**
   * The page or the machine slept, or the network has changed.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  wake(now) {
    if (this.#steps.name === 'waiting') return this.#presence.isOffline ? null : this.probe(now)
    return this.#steps.hasEdits && this.#steps.patience.isDoubtful(now) ? this.probe(now) : null
  }

  /**
   * Somebody looks at the page, or nobody does any more.
   *
   * @param {boolean} visible
   * @param {number} now
   * @returns {Command | null}
   */
  seen(visible, now) {
    this.#presence.seen(visible, now)
    if (!visible) return null
    if (this.#steps.name !== 'resting') return this.wake(now)
    this.#steps.patience.reset()
    this.#backOff.reset()
    return this.#steps.goOn(now)
  }

  /**
   * The browser is about to stop the page, or to keep it for later: close everything.
   *
   * @param {number} now
   * @returns {Command | null}
   */
  freeze(now) {
    this.#presence.seen(false, now)
    return this.#steps.name === 'resting' ? null : this.#steps.rest()
  }

  /**
   * The browser's report about the network. The page believes a no until a new request gets an answer, as from a server on
   * this machine.
   *
   * @param {boolean} online
   * @param {number} now
   * @returns {Command | null}
   */
  network(online, now) {
    if (!this.#presence.network(online, now)) return null
    this.#fallback.forget()
    if (!online) {
      this.#steps.postpone(now)
      return null
    }
    const { name } = this.#steps
    const command = name === 'info' || name === 'image' ? this.#steps.enter(name, now) : this.probe(now)
    this.#steps.stopProbing()
    return command
  }
}
