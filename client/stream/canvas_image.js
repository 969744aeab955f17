/**
 * The canvas' image, as the page loads it: palette indexes, with their version and log.
 *
 *     canvas.png     as the server wrote it, or as a proxy that makes images smaller has: then its palette may be in another
 *                    order or gone, but its colours have to be the canvas'
 *     canvas.bin     the bare indexes, where the image has been altered beyond that; slower, and nobody's to make smaller
 *
 * A colour that isn't the palette's is never drawn: the page would look right and paint wrong.
 */

import { indexesOf, isPlainIndexed, parsePng } from '../canvas/png.js'
import { Refused } from './requests.js'

const ALTERED = /** @type {const} */ ({ kind: 'altered', status: 200 })

/**
 * @typedef {object} CanvasImage
 * @property {Uint8Array} indexes  palette indexes, row by row; none if the log isn't the one that `/info` names
 * @property {number} version
 * @property {string} log
 */

/**
 * @param {(address: string, options: RequestInit) => Promise<Response>} get  gives answers of status 200
 * @param {import('../stream/info.js').Info} info
 * @param {string} query  the image's query, such as '?v=12', which gets past caches; '' for any image
 * @returns {Promise<CanvasImage>}
 * @throws {Refused} neither way gives the canvas
 */
export async function loadCanvas(get, info, query) {
  const response = await get(`canvas.png${query}`, { cache: query ? 'reload' : 'default' })
  const file = new Uint8Array(await response.arrayBuffer())
  try {
    return await decodeCanvas(file, info, response.headers)
  } catch (error) {
    console.warn(`placed: canvas.png: ${error}; canvas.bin is asked for`)
    return loadBare(get, info, query)
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} file
 * @param {Pick<import('../stream/info.js').Info, 'width' | 'height' | 'palette' | 'log'>} info
 * @param {Headers} headers  with the version and log, in case the file has lost its texts
 * @returns {Promise<CanvasImage>}
 * @throws {Error} it is no PNG, or damaged, or has a colour that the canvas hasn't
 */
export async function decodeCanvas(file, info, headers) {
  const png = parsePng(file)
  // The file's own texts first: a proxy can lose headers, but can't part the texts from the pixels.
  const told = toldBy(png.texts.get('placed:version'), png.texts.get('placed:log'), headers)
  if (told.log !== info.log) return { indexes: new Uint8Array(), ...told } // maybe of another size and palette
  if (png.width !== info.width || png.height !== info.height) {
    throw new Error(`the image is ${png.width} x ${png.height}, the canvas ${info.width} x ${info.height}`)
  }
  const colors = info.palette.map((color) => parseInt(color.slice(1), 16))
  const indexes = isPlainIndexed(png) ? mapped(await indexesOf(png), png, colors) : await matched(png, colors)
  return { indexes, ...told }
}

/**
 * @param {(address: string, options: RequestInit) => Promise<Response>} get
 * @param {import('../stream/info.js').Info} info
 * @param {string} query
 * @returns {Promise<CanvasImage>}
 */
async function loadBare(get, { width, height, palette, log }, query) {
  const response = await get(`canvas.bin${query}`, { cache: query ? 'reload' : 'default' })
  const indexes = new Uint8Array(await response.arrayBuffer())
  const told = toldBy(undefined, undefined, response.headers)
  const isRight = indexes.length === width * height && indexes.every((index) => index < palette.length)
  if (told.log === log && !isRight) throw new Refused('canvas.bin has been altered, too', ALTERED)
  return { indexes, ...told }
}

/**
 * @param {string | undefined} version  as the file tells it, if it does
 * @param {string | undefined} log
 * @param {Headers} headers
 */
function toldBy(version, log, headers) {
  const told = { version: Number(version ?? headers.get('X-Canvas-Version') ?? NaN), log: log ?? headers.get('X-Canvas-Log') ?? '' }
  if (!Number.isSafeInteger(told.version) || !told.log) throw new Refused('the image does not tell its version and log', ALTERED)
  return told
}

/**
 * @param {Uint8Array} indexes  of the file's palette
 * @param {import('../canvas/png.js').Png} png
 * @param {number[]} colors  0xrrggbb, the canvas'
 */
function mapped(indexes, { palette, transparency }, colors) {
  const own = Array.from({ length: Math.floor(palette.length / 3) }, (_, i) => rgb(palette, 3 * i))
  // Unchanged since it left the server: then two entries of equal colour stay distinct.
  const isKept = own.length <= colors.length && own.every((color, i) => color === colors[i])
  const known = Int16Array.from({ length: 256 }, (_, i) => {
    if (i >= own.length || (transparency?.[i] ?? 255) < 255) return -1
    return isKept ? i : colors.indexOf(own[i])
  })
  for (let i = 0; i < indexes.length; i++) {
    const index = known[indexes[i]]
    if (index < 0) throw altered(own[indexes[i]])
    indexes[i] = index
  }
  return indexes
}

/**
 * @param {import('../canvas/png.js').Png} png  not an indexed one
 * @param {number[]} colors  0xrrggbb
 */
async function matched(png, colors) {
  const { rgbaOf } = await import('../canvas/png_pixels.js')
  const rgba = await rgbaOf(png)
  const known = new Map([...colors.entries()].reverse().map(([index, color]) => [color, index])) // of equal colours the first
  const indexes = new Uint8Array(rgba.length / 4)
  for (let i = 0, at = 0; i < indexes.length; i++, at += 4) {
    const color = rgb(rgba, at)
    const index = known.get(color)
    if (index === undefined || rgba[at + 3] < 255) throw altered(color)
    indexes[i] = index
  }
  return indexes
}

/**
 * @param {Uint8Array | Uint8ClampedArray} bytes
 * @param {number} at
 */
function rgb(bytes, at) {
  return (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2]
}

/** @param {number | undefined} color */
function altered(color) {
  const name = color === undefined ? 'a colour' : `#${color.toString(16).padStart(6, '0')}`
  return new Error(`the image has ${name}, which the canvas' palette hasn't`)
}
