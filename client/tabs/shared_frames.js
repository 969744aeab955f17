/**
 * Frames of another tab that have to wait, because a delta before them is on its way. Pure; imports nothing.
 */

/** @typedef {{ log: string, from: number, to: number, edits: Uint16Array }} Frame  `edits`: x, y, color, … of all versions from one to the other */

/** Some minutes of a busy canvas. The server is asked again for frames beyond that, later. */
export const MAX_NUMBERS = 3_000_000

export class SharedFrames {
  #frames = /** @type {Frame[]} */ ([])
  #numbers = 0

  /** @param {Frame} frame */
  add(frame) {
    this.#frames.push(frame)
    this.#numbers += frame.edits.length
    if (this.#numbers > MAX_NUMBERS) this.clear()
  }

  /**
   * Take out the frames that go on from a version, in order, each once; drop older ones.
   *
   * @param {(frame: Frame) => boolean} take  whether it was applied
   * @param {() => number} version  of the canvas
   */
  drain(take, version) {
    this.#frames = this.#frames.filter((frame) => !take(frame) && frame.to > version())
    this.#numbers = this.#frames.reduce((sum, { edits }) => sum + edits.length, 0)
  }

  clear() {
    this.#frames = []
    this.#numbers = 0
  }
}
