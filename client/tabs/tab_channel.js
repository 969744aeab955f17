/**
 * The channel through which the tabs of one browser talk about one server's canvas. If the browser has none, or forbids it,
 * tabs hear nothing, and each visible tab has a stream of its own.
 */

/**
 * The messages between tabs; `tabs.js` and `turns.js` say when tabs send them.
 * @typedef {{ id: string } & ({ kind: 'ask' | 'bye' }
 *   | { kind: 'lead', sound: boolean, lead: import('../stream/commands.js').Lead }
 *   | { kind: 'frame', frame: import('./shared_frames.js').Frame }
 *   | { kind: 'busy', since: number | null }
 *   | { kind: 'charges', standing: import('../painting/cooldown.js').Standing })} Message
 */

/** The number changes when the messages change: after an upgrade tabs with the old code are still open. */
const NAME = `placed 1 ${new URL('.', document.baseURI).pathname}`

export class TabChannel {
  #channel = /** @type {BroadcastChannel | null} */ (null)
  #hear

  /** @param {(message: Message) => void} hear */
  constructor(hear) {
    this.#hear = hear
  }

  get isOpen() {
    return this.#channel !== null
  }

  /** Idempotent. */
  open() {
    if (this.#channel) return
    try {
      this.#channel = new BroadcastChannel(NAME)
    } catch {
      return
    }
    this.#channel.onmessage = ({ data }) => this.#hear(data)
  }

  /** @param {Message} message */
  send(message) {
    this.#channel?.postMessage(message)
  }

  /** Hear nothing more, and have nothing queued for us while we are frozen. Idempotent. */
  close() {
    this.#channel?.close()
    this.#channel = null
  }
}
