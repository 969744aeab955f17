/**
 * Encodes one image with pngjs, as sephsplace did: RGB, default options. `bench/png.py` runs it.
 *
 * Arguments: width, height, a file of RGB bytes. For each line on standard input it encodes once, and answers with a
 * line of JSON: the CPU and wall time in ms, and the PNG's length in bytes. It first prints {} when it has started.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { PNG } from 'pngjs'

const [width, height] = process.argv.slice(2, 4).map(Number)
const data = readFileSync(process.argv[4])
const options = { width, height, colorType: 2, bitDepth: 8, inputHasAlpha: false }

console.log('{}')
for await (const _ of createInterface({ input: process.stdin })) {
  const image = new PNG(options)
  image.data = data
  const cpu = process.cpuUsage()
  const began = performance.now()
  const { length } = PNG.sync.write(image, options)
  const wallMs = performance.now() - began
  const { user, system } = process.cpuUsage(cpu)
  console.log(JSON.stringify({ cpu_ms: (user + system) / 1000, wall_ms: wallMs, bytes: length }))
}
