/**
 * A film of the canvas' whole past, recorded by the browser: it takes as many seconds as the film lasts, since browsers
 * record drawing as it happens. `placed timelapse` makes better films, of any part.
 */

import { Reel } from './past_canvas.js'
import { boundsOf } from './source.js'

const SECONDS = { least: 3, most: 20 }
const EDITS_A_SECOND = 50 // for a canvas with so few edits that a long film would only wait
const END_MS = 1_500 // the last picture stands still, as people look at it longest
const FRAMES_A_SECOND = 30
const LONGEST_SIDE_PX = 1_600 // more pixels than most browsers record at drawing speed
const BITS_A_SECOND = 12_000_000 // pixel art has hard edges; less leaves smears
const TYPES = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm', 'video/mp4']

/** Whether this browser can record. */
export function canRecord() {
  return 'MediaRecorder' in globalThis && 'captureStream' in HTMLCanvasElement.prototype && typeOf() !== ''
}

/** The first of `TYPES` that this browser records; '' for none. */
function typeOf() {
  return TYPES.find((type) => MediaRecorder.isTypeSupported(type)) ?? ''
}

export class Film {
  #history
  #density
  #reel
  #canvas = document.createElement('canvas')
  #small = document.createElement('canvas') // a canvas pixel a pixel, to be enlarged
  #cancelled = false
  #failure = /** @type {unknown} */ (null)

  /**
   * @param {import('./source.js').Source} source
   * @param {import('./source.js').History} history
   * @param {(moment: number) => number} density  edits in a ms
   */
  constructor(source, history, density) {
    this.#history = history
    this.#density = density
    this.#reel = new Reel(source, (error) => {
      this.#failure = error
      return 0
    })
    this.#reel.reaches(boundsOf(history))
  }

  get #seconds() {
    return Math.min(SECONDS.most, Math.max(SECONDS.least, this.#history.edits / EDITS_A_SECOND))
  }

  cancel() {
    this.#cancelled = true
  }

  /**
   * @param {(part: number) => void} told  gets the part that is done, now and then
   * @returns {Promise<Blob | null>} null: cancelled
   * @throws something could not be loaded, without which the film has no beginning or no end
   */
  async record(told) {
    await this.#draw(this.#history.from, 0)
    const { recorder, chunks } = this.#recorder()
    recorder.start()
    const began = performance.now()
    const length = this.#seconds * 1_000
    let isRight = true
    for (let said = -1; !this.#cancelled; ) {
      const now = performance.now()
      const part = Math.min(1, (now - began) / length)
      isRight = this.#show(this.#history.from + part * (this.#history.to - this.#history.from), now)
      if (Math.floor(part * 10) !== said) told((said = Math.floor(part * 10)) / 10)
      if (now - began > length + END_MS) break
      await nextFrame()
    }
    await stopped(recorder)
    this.#reel.clear()
    if (!isRight && this.#failure && !this.#cancelled) throw this.#failure
    return this.#cancelled ? null : new Blob(chunks, { type: recorder.mimeType })
  }

  #recorder() {
    const chunks = /** @type {Blob[]} */ ([])
    const stream = this.#canvas.captureStream(FRAMES_A_SECOND)
    const recorder = new MediaRecorder(stream, { mimeType: typeOf(), videoBitsPerSecond: BITS_A_SECOND })
    recorder.addEventListener('dataavailable', ({ data }) => chunks.push(data))
    return { recorder, chunks }
  }

  /**
   * @param {number} moment
   * @param {number} speed
   */
  async #draw(moment, speed) {
    while (!this.#reel.show(moment, { speed, density: this.#density(moment), now: performance.now() })) {
      if (this.#failure) throw this.#failure
      if (this.#cancelled) return
      await nextFrame()
    }
    this.#paint()
  }

  /**
   * @param {number} moment
   * @param {number} now
   * @returns {boolean} whether it is that moment's canvas
   */
  #show(moment, now) {
    const { from, to } = this.#history
    const speed = moment < to ? (to - from) / (this.#seconds * 1_000) : 0 // the last picture stands still
    const isRight = this.#reel.show(moment, { speed, density: this.#density(moment), now })
    this.#paint()
    return isRight
  }

  #paint() {
    const canvas = this.#reel.canvas
    if (!canvas) return
    const { width, height, indexes, colors } = canvas
    const factor = Math.max(1, Math.floor(LONGEST_SIDE_PX / Math.max(width, height)))
    // Encoders want even sides.
    const [wide, high] = [width, height].map((side) => 2 * Math.ceil((side * factor) / 2))
    if (this.#small.width !== width || this.#small.height !== height) Object.assign(this.#small, { width, height })
    if (this.#canvas.width < wide || this.#canvas.height < high) Object.assign(this.#canvas, { width: wide, height: high })
    const image = new ImageData(width, height)
    const pixels = new Uint32Array(image.data.buffer)
    for (let i = 0; i < pixels.length; i++) pixels[i] = colors[indexes[i]]
    this.#small.getContext('2d')?.putImageData(image, 0, 0)
    const context = this.#canvas.getContext('2d', { alpha: false })
    if (!context) return
    context.imageSmoothingEnabled = false
    context.drawImage(this.#small, 0, 0, width * factor, height * factor)
  }
}

/** @returns {Promise<unknown>} */
function nextFrame() {
  return new Promise((resolve) => setTimeout(resolve, 1_000 / FRAMES_A_SECOND)) // a timer, not animation frames: a hidden tab records on
}

/** @param {MediaRecorder} recorder */
function stopped(recorder) {
  return new Promise((resolve) => {
    recorder.addEventListener('stop', resolve, { once: true })
    recorder.stop()
    for (const track of recorder.stream.getTracks()) track.stop()
  })
}
