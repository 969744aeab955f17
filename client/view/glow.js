/**
 * Pixels that have just changed glow for a second. A layer for `screen.js`.
 *
 * While more than `MAX_GLOWS` arrive in a second, none glows: all over the canvas they would point at nothing, and drawing
 * them means drawing all of it each time. If the system asks for less motion, nothing glows.
 */

const GLOW_MS = 1_000
const MAX_GLOWS = 100
const MIN_SIZE_PX = 3 // so that one is seen, however small the pixels are
const still = globalThis.matchMedia?.('(prefers-reduced-motion: reduce)')

export class Glow {
  enabled = false

  #heat = 0 // edits of about the last second
  #heatedAt = 0
  #glows = /** @type {{ x: number, y: number, since: number }[]} */ ([]) // the oldest first

  /**
   * @param {Uint16Array} edits  x, y, color, x, y, color, …
   * @param {number} [now]
   */
  add(edits, now = performance.now()) {
    this.#heat = this.#heat * Math.exp((this.#heatedAt - now) / GLOW_MS) + edits.length / 3
    this.#heatedAt = now
    if (!this.enabled || still?.matches || this.#heat > MAX_GLOWS) return
    for (let i = 0; i < edits.length; i += 3) this.#glows.push({ x: edits[i], y: edits[i + 1], since: now })
    this.#glows.splice(0, this.#glows.length - MAX_GLOWS)
  }

  /** @type {import('./screen.js').Layer} */
  draw = (context, { scale, left, top }) => {
    const now = performance.now()
    this.#glows = this.enabled ? this.#glows.filter(({ since }) => now - since < GLOW_MS) : []
    const size = Math.max(scale, MIN_SIZE_PX)
    context.strokeStyle = '#ffd83d'
    for (const { x, y, since } of this.#glows) {
      const age = (now - since) / GLOW_MS
      context.globalAlpha = 1 - age
      context.lineWidth = Math.max(1.5, (size / 4) * (1 - age))
      const half = size / 2 + context.lineWidth / 2
      context.strokeRect((x + 0.5 - left) * scale - half, (y + 0.5 - top) * scale - half, 2 * half, 2 * half)
    }
    return this.#glows.length > 0
  }
}
