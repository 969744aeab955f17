/**
 * Reads and writes image files with the page's own code. Each line on standard input is a command as JSON,
 * `["header" | "pixels" | "write", …]`; standard output has one line for each.
 *
 *     ["header", PATH]                                    headerOf's answer
 *     ["pixels", PATH]                                    { width, height, rgba } of a PNG, upright; or { error }
 *     ["write", PATH, WIDTH, HEIGHT, INDEXES, PALETTE, FACTOR]   writes a PNG
 */

import { readFile, writeFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'

import { parsePng } from '../../client/canvas/png.js'
import { rgbaOf } from '../../client/canvas/png_pixels.js'
import { writePng } from '../../client/canvas/png_writing.js'
import { headerOf } from '../../client/templates/image_header.js'
import { upright } from '../../client/templates/upright.js'

/** @type {Record<string, (path: string, ...more: any[]) => Promise<unknown>>} */
const commands = {
  header: async (path) => headerOf(Uint8Array.from(await readFile(path))),
  async pixels(path) {
    const file = Uint8Array.from(await readFile(path))
    const png = parsePng(file)
    const image = upright({ data: await rgbaOf(png), width: png.width, height: png.height }, headerOf(file)?.turn ?? 1)
    return { width: image.width, height: image.height, rgba: Buffer.from(image.data).toString('base64') }
  },
  async write(path, width, height, indexes, palette, factor) {
    const blob = await writePng({ width, height, indexes: Uint8Array.from(indexes) }, palette, factor)
    await writeFile(path, Buffer.from(await blob.arrayBuffer()))
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, path, ...more] = JSON.parse(line)
  const told = await commands[name](path, ...more).catch((error) => ({ error: String(error) }))
  console.log(JSON.stringify(told ?? null))
}
