/**
 * Posts edits with a pass, if the host asks people without an account for one. Edits wait for the pass, and none is lost. If
 * the server refuses one all the same, it goes out once more, with a new pass. The page loads this when the host asks for
 * passes.
 */

import { postEdits } from '../painting/posting.js'
import { t } from '../words/language.js'
import { Pass } from './pass.js'
import './texts.js'

/** @typedef {import('../painting/outbox.js').Edit} Edit */
/** @typedef {Awaited<ReturnType<typeof postEdits>>} Answer */

export class Passing {
  #pass
  #say
  #post

  /**
   * @param {(text: string, kind: 'news' | 'trouble') => void} say
   * @param {Pass} [pass]
   * @param {typeof postEdits} [post]
   */
  constructor(say, pass = new Pass(), post = postEdits) {
    this.#say = say
    this.#pass = pass
    this.#post = post
  }

  /**
   * Get a pass in time; call this a few times a second, while somebody looks.
   * @param {number} now
   */
  tick(now) {
    this.#pass.tick(now)
  }

  /**
   * @param {Edit[]} edits
   * @returns {Promise<Answer>}
   */
  async post(edits) {
    try {
      const headers = await this.#ready()
      const answer = await this.#post(edits, headers)
      if (!wantsPass(answer)) return answer
      this.#pass.refused(headers)
      const second = await this.#post(edits, await this.#ready())
      if (!wantsPass(second)) return second
    } catch (error) {
      console.warn(`placed: pass: ${error}`)
    }
    return { outcome: { kind: 'refused', reason: t('noPass'), retrySeconds: null }, rateLimit: null }
  }

  /** @returns {Promise<Record<string, string>>}  the headers to send with the edits */
  async #ready() {
    if (!this.#pass.isReady(Date.now())) {
      this.#say(t('gettingReady'), 'news') // in the page's polite status
      await this.#pass.renew()
    }
    return this.#pass.headers
  }
}

/** @param {Answer} answer */
export function wantsPass({ outcome }) {
  return outcome.kind === 'refused' && outcome.code === 'challenge'
}
