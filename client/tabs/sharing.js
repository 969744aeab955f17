/**
 * One stream for all tabs of a browser: `tabs.js` decides which tab has it; this sends its edits to the other tabs, or takes
 * theirs.
 */

import { SharedFrames } from './shared_frames.js'
import { TabChannel } from './tab_channel.js'
import { Tabs } from './tabs.js'
import { Turns } from './turns.js'

/** @typedef {import('../painting/cooldown.js').Standing} Standing */
/** @typedef {import('../stream/commands.js').Command} Command */
/** @typedef {import('./shared_frames.js').Frame} Frame */
/** @typedef {import('./tab_channel.js').Message} Message */

/**
 * @typedef {object} Page
 * @property {(edits: Uint16Array, version: number) => void} gotEdits
 * @property {(standing: Standing) => void} gotCharges  another tab has painted
 * @property {() => void} changed
 */

export class Sharing {
  #id = String(Math.random()).slice(2)
  #tabs = new Tabs(this.#id, Math.random)
  #frames = new SharedFrames()
  #channel = new TabChannel((message) => this.#hear(message))
  #turns = new Turns(this.#id, (since) => this.#channel.send({ kind: 'busy', id: this.#id, since }))
  #resync
  #page
  #obey

  /**
   * @param {import('../stream/resync.js').Resync} resync
   * @param {Page} page
   * @param {(command: Command | null) => void} obey
   */
  constructor(resync, page, obey) {
    this.#resync = resync
    this.#page = page
    this.#obey = obey
  }

  /** Listen to the other tabs. Idempotent. */
  join() {
    if (this.#channel.isOpen) return
    this.#channel.open()
    this.#tabs.reset()
    this.#channel.send({ kind: 'ask', id: this.#id })
  }

  /** Stop listening; another tab may take the stream. Idempotent. */
  leave() {
    this.#channel.send({ kind: 'bye', id: this.#id })
    this.#channel.close()
    this.#frames.clear()
    this.#turns.clear()
  }

  /**
   * Load something when it is this tab's turn; load it again if the tab loses the turn.
   *
   * @template Loaded
   * @param {AbortSignal} signal
   * @param {(signal: AbortSignal) => Promise<Loaded>} load
   * @returns {Promise<Loaded>}
   */
  async inTurn(signal, load) {
    for (;;) {
      const turn = await this.#turns.take(Date.now())
      const either = new AbortController()
      for (const one of [signal, turn]) one.addEventListener('abort', () => either.abort())
      if (signal.aborted) either.abort()
      try {
        const loaded = await load(either.signal)
        if (!turn.aborted || signal.aborted) return loaded
      } catch (error) {
        if (!turn.aborted || signal.aborted) throw error
      } finally {
        if (!turn.aborted) this.#turns.end()
      }
    }
  }

  /**
   * Time passes, or something has changed.
   * @param {number} now
   */
  tick(now) {
    this.#turns.tick(now)
    this.#obey(this.#resync.otherTab.follow(this.#tabs.follows(now), now))
    if (!this.#leads) return
    const lead = this.#resync.standing.asLead
    const sound = this.#resync.standing.isSound(now)
    const news = JSON.stringify({ ...lead, version: 0, sound })
    if (this.#tabs.beats(news, now)) this.#channel.send({ kind: 'lead', id: this.#id, sound, lead })
  }

  /**
   * The stream has brought edits: pass them on to the other tabs.
   * @param {Frame} frame
   */
  pass(frame) {
    if (this.#leads) this.#channel.send({ kind: 'frame', id: this.#id, frame })
  }

  /**
   * The server answered an edit: charges belong to the browser, not to the tab.
   * @param {Standing} standing
   */
  tellCharges(standing) {
    this.#channel.send({ kind: 'charges', id: this.#id, standing })
  }

  /** Apply the frames that came before the delta that they need. */
  drain() {
    const now = Date.now()
    this.#frames.drain(
      (frame) => {
        const isNext = this.#resync.otherTab.gotShared(frame, now)
        if (isNext) this.#page.gotEdits(frame.edits, frame.to)
        return isNext
      },
      () => this.#resync.version
    )
  }

  get #leads() {
    return this.#channel.isOpen && this.#resync.leads
  }

  /** @param {Message} message */
  #hear(message) {
    const now = Date.now()
    if (message.kind === 'ask') this.#tabs.asked()
    else if (message.kind === 'bye') this.#tabs.left(message.id, now)
    else if (message.kind === 'lead') this.#hearLead(message, now)
    else if (message.kind === 'frame') this.#hearFrame(message, now)
    else if (message.kind === 'busy') this.#turns.heard(message.id, message.since, now)
    else if (message.kind === 'charges') this.#page.gotCharges(message.standing)
    this.tick(now)
  }

  /**
   * @param {Message & { kind: 'lead' }} message
   * @param {number} now
   */
  #hearLead({ id, sound, lead }, now) {
    if (!this.#tabs.heard({ id, sound }, this.#leads ? this.#resync.standing.isSound(now) : null, now)) return
    this.#obey(this.#resync.otherTab.follow(true, now))
    this.#obey(this.#resync.otherTab.gotLead(lead, now))
    this.#page.changed()
  }

  /**
   * @param {Message & { kind: 'frame' }} message
   * @param {number} now
   */
  #hearFrame({ id, frame }, now) {
    this.#tabs.heardFrame(id, now)
    if (!this.#resync.otherTab.awaitsShared) return
    this.#frames.add(frame)
    this.drain()
  }
}
