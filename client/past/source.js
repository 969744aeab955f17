/**
 * The server's answers about the past: `/history` and the paths below it, as in docs/api.md. Moments are ms since the epoch.
 */

import { Canvas } from '../canvas/canvas.js'
import { decodeCanvas } from '../stream/canvas_image.js'
import { parsePng } from '../canvas/png.js'
import { request } from '../stream/requests.js'
import { decodePage } from './edits_page.js'

/** @typedef {{ kind: string, version: number, time: number }} Mark  what everybody may know; `version` has it */

/**
 * @typedef {object} History
 * @property {string} log
 * @property {number} first  the first version that has an image
 * @property {number} version  the last one
 * @property {number} from  the first moment
 * @property {number} to  the last one
 * @property {number} edits
 * @property {Mark[]} marks
 */

/**
 * @typedef {object} PixelEdit
 * @property {number} color
 * @property {number} time
 * @property {number} version  of the canvas that has it
 * @property {string | null} author  16 hex digits; null if the host hides authors
 * @property {string | null} name
 * @property {number | null} act  the moderators' act that made it
 */

/**
 * @typedef {object} ActivityAnswer
 * @property {number} from
 * @property {number} to  not included
 * @property {number[]} slices  edits in each of equal parts of the time
 * @property {number[][]} heat  edits in each cell of a grid, row by row
 * @property {number[][]} untouched  pixels of each cell that nobody had ever painted
 */

const CELLS = 64

export class Source {
  #palette
  #history = /** @type {History | null} */ (null)

  /** @param {() => string[]} palette  '#rrggbb': the live canvas'; that of any moment is a beginning of it */
  constructor(palette) {
    this.#palette = palette
  }

  /** @returns {Promise<History>} */
  async history() {
    const { log, first, indexed, from, to, edits, marks } = await json('history')
    this.#history = {
      log,
      first,
      version: indexed,
      from: Date.parse(from ?? new Date().toISOString()), // a canvas that nobody has painted on has no moments
      to: Date.parse(to ?? new Date().toISOString()),
      edits,
      marks: marks.map((/** @type {any} */ mark) => ({ kind: mark.kind, version: mark.v, time: Date.parse(mark.time) }))
    }
    return this.#history
  }

  /**
   * @param {{ moment: number } | { version: number }} at
   * @param {AbortSignal} signal
   * @returns {Promise<{ canvas: Canvas, version: number }>}
   */
  async image(at, signal) {
    const query = 'version' in at ? { v: at.version } : { t: at.moment }
    const response = await request(this.#keptAddress('history/canvas.png', query), { signal })
    const file = new Uint8Array(await response.arrayBuffer())
    // It may be smaller than the live one, which may have grown since; its palette is the beginning of the live one.
    const { width, height } = parsePng(file)
    const palette = this.#palette()
    const log = response.headers.get('X-Canvas-Log') ?? this.#history?.log ?? ''
    const { indexes, version } = await decodeCanvas(file, { width, height, palette, log }, response.headers)
    const canvas = new Canvas(width, height, palette)
    canvas.load(indexes)
    return { canvas, version }
  }

  /**
   * The edits of the versions from <= v < to, or of the first of them: as many as one page has.
   *
   * @param {number} from
   * @param {number} to
   * @param {AbortSignal} signal
   * @returns {Promise<import('./stretch.js').Edits>}
   */
  async edits(from, to, signal) {
    const response = await request(this.#keptAddress('history/edits', { from, to }), { signal })
    return decodePage(new Uint8Array(await response.arrayBuffer()))
  }

  /**
   * The address of an answer that browsers keep for good: another log may begin here later, with other pixels at the same
   * versions.
   *
   * @param {string} path
   * @param {Record<string, number>} query
   */
  #keptAddress(path, query) {
    return address(path, { ...query, ...(this.#history && { log: this.#history.log }) })
  }

  /**
   * A pixel's edits, the newest first.
   *
   * @param {{ x: number, y: number, before: number | null, limit: number }} wish  `before`: those of earlier versions
   * @param {AbortSignal} signal
   * @returns {Promise<{ edits: PixelEdit[], next: number | null }>}  `next`: the `before` of the next part
   */
  async pixel({ x, y, before, limit }, signal) {
    const { edits, next } = await json('history/pixel', { x, y, limit, ...(before !== null && { before }) }, signal)
    return {
      edits: edits.map((/** @type {any} */ edit) => ({
        color: edit.color,
        time: Date.parse(edit.time),
        version: edit.v,
        author: edit.author ?? null,
        name: edit.name ?? null,
        act: edit.act ?? null
      })),
      next: next ?? null
    }
  }

  /**
   * @param {number} from
   * @param {number} to  not included
   * @returns {Promise<ActivityAnswer>}
   */
  async activity(from, to) {
    const { slices, cells, untouched } = await json('history/activity', { from, to, cells: CELLS })
    return { from, to, slices, heat: cells, untouched: untouched.cells }
  }
}

/**
 * The bounds of a history, for the reel.
 * @param {History} history
 */
export function boundsOf({ first, version, marks }) {
  return { first, version, grown: marks.filter(({ kind }) => kind === 'grow') }
}

/**
 * @param {string} path
 * @param {Record<string, string | number>} query
 */
function address(path, query) {
  const fields = Object.entries(query).map(([name, value]) => [name, String(value)])
  return fields.length ? `${path}?${new URLSearchParams(fields)}` : path
}

/**
 * @param {string} path
 * @param {Record<string, string | number>} [query]
 * @param {AbortSignal | null} [signal]
 * @returns {Promise<any>}
 */
async function json(path, query = {}, signal = null) {
  return (await request(address(path, query), { signal })).json()
}
