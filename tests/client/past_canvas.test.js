import assert from 'node:assert/strict'
import test from 'node:test'

import { Canvas } from '../../client/canvas/canvas.js'
import { Reel } from '../../client/past/past_canvas.js'
import { chance } from './chance.js'

const SIZES = /** @type {[number, number][]} */ ([[8, 6], [9, 6], [12, 10]]) // the canvas grows twice
const PALETTE = ['#ffffff', '#ff0000', '#00ff00', '#0000ff']

/** A history of one edit a version, and a server that has it. */
class Model {
  first = 0
  grown = /** @type {import('../../client/past/past_canvas.js').Grown[]} */ ([])
  asked = /** @type {string[]} */ ([])
  edits = /** @type {{ time: number, x: number, y: number, color: number, grows?: boolean }[]} */ ([])

  /**
   * @param {number} count
   * @param {() => number} random
   * @param {boolean} [grows]
   */
  constructor(count, random, grows = false) {
    let time = 1_000
    for (let i = 0; i < count; i++) {
      if (random() < 0.7) time += Math.floor(random() * 50)
      const isLarger = grows && i > 0 && this.grown.length < 2 && random() < 4 / count
      if (isLarger) this.grown.push({ version: i + 1, time })
      const [width, height] = this.sizeAt(i)
      this.edits.push({ grows: isLarger, time, x: Math.floor(random() * width), y: Math.floor(random() * height), color: Math.floor(random() * 4) })
    }
  }

  get bounds() {
    return { first: this.first, version: this.edits.length, grown: this.grown }
  }

  /** @param {number} moment */
  versionAt(moment) {
    const at = this.edits.findIndex(({ time }) => time > moment)
    return at < 0 ? this.edits.length : at
  }

  /** @param {number} version */
  sizeAt(version) {
    return SIZES[this.grown.filter((grown) => grown.version <= version).length]
  }

  /** @param {number} version */
  indexesAt(version) {
    const [width, height] = this.sizeAt(version)
    const indexes = new Uint8Array(width * height)
    for (const { x, y, color, grows } of this.edits.slice(0, version)) if (!grows) indexes[y * width + x] = color
    return indexes
  }

  /** @returns {import('../../client/past/past_canvas.js').Source} */
  source() {
    return {
      image: async (at) => {
        this.asked.push('image')
        const version = 'version' in at ? at.version : this.versionAt(at.moment)
        const canvas = new Canvas(...this.sizeAt(version), PALETTE)
        canvas.load(this.indexesAt(version))
        return { canvas, version }
      },
      edits: async (from, to) => {
        this.asked.push('edits')
        const end = Math.min(to, from + 300) // pages end early
        const edits = this.edits.slice(from, end).map((edit, i) => ({ ...edit, version: from + i })).filter(({ grows }) => !grows)
        return {
          from,
          to: end,
          versions: Float64Array.from(edits, ({ version }) => version),
          times: Float64Array.from(edits, ({ time }) => time),
          places: Uint16Array.from(edits.flatMap(({ x, y, color }) => [x, y, color]))
        }
      }
    }
  }
}

/**
 * @param {Reel} reel
 * @param {number} moment
 * @param {{ speed: number, density: number }} way
 */
async function until(reel, moment, way) {
  for (let i = 0; i < 2_000; i++) {
    if (reel.show(moment, { ...way, now: i * 2_000 })) return
    await new Promise(setImmediate)
  }
  assert.fail(`never right at ${moment}`)
}

test('whatever is played, leapt to and played back, the canvas is that of the moment', async () => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = chance(seed)
    const model = new Model(5_000, random, true)
    const reel = new Reel(model.source(), () => assert.fail('nothing fails here'))
    reel.reaches(model.bounds)
    const last = model.edits[model.edits.length - 1].time
    let moment = 1_000 + random() * (last - 1_000)
    for (let step = 0; step < 120; step++) {
      if (random() < 0.1) moment = Math.floor(900 + random() * (last - 800))
      const speed = [0, 1, 100, -1, -100][Math.floor(random() * 5)]
      moment = Math.max(900, moment + speed * random() * 20)
      await until(reel, moment, { speed, density: 0.05 })
      assert.deepEqual(reel.canvas?.indexes, model.indexesAt(model.versionAt(moment)), `seed ${seed}, step ${step}`)
      assert.equal(model.versionAt(moment) - reel.version >= 0 && model.indexesAt(reel.version).join() === reel.canvas?.indexes.join(), true)
    }
  }
})

test('a slow film loads one image, and then edits alone', async () => {
  const model = new Model(5_000, chance(3))
  const reel = new Reel(model.source(), () => assert.fail('nothing fails here'))
  reel.reaches(model.bounds)
  for (let moment = 2_000; moment < 30_000; moment += 100) await until(reel, moment, { speed: 10, density: 0.05 })
  assert.equal(model.asked.filter((what) => what === 'image').length, 1)
})

test('what was played is played back without loading anything', async () => {
  const model = new Model(2_000, chance(4))
  const reel = new Reel(model.source(), () => assert.fail('nothing fails here'))
  reel.reaches(model.bounds)
  for (let moment = 2_000; moment < 9_000; moment += 100) await until(reel, moment, { speed: 10, density: 0.05 })
  const count = model.asked.length
  for (let moment = 9_000; moment > 2_500; moment -= 100) await until(reel, moment, { speed: 0, density: 0.05 })
  assert.ok(model.asked.length <= count + 1) // what was being loaded ahead
})

test('a film too fast for its edits leaps from image to image, and asks for nothing else', async () => {
  const model = new Model(5_000, chance(5))
  const reel = new Reel(model.source(), () => assert.fail('nothing fails here'))
  reel.reaches(model.bounds)
  for (let now = 0; now < 100; now++) {
    reel.show(2_000 + now * 100, { speed: 100_000, density: 0.05, now })
    await new Promise(setImmediate)
  }
  assert.ok(model.asked.length > 10)
  assert.ok(model.asked.every((what) => what === 'image'))
})

test('after a failure it waits for as long as the server asks, and then asks again', async () => {
  const model = new Model(100, chance(6))
  const source = model.source()
  let failures = 0
  /** @type {typeof source.image} */
  const image = async (...asked) => (failures++ ? source.image(...asked) : Promise.reject(new Error('busy')))
  const failing = { ...source, image }
  const reel = new Reel(failing, () => 5_000)
  reel.reaches(model.bounds)
  const way = { speed: 0, density: 0.05 }
  for (const now of [0, 10, 1_500, 4_900]) {
    assert.equal(reel.show(2_000, { ...way, now }), false)
    await new Promise(setImmediate)
  }
  assert.equal(failures, 1)
  reel.show(2_000, { ...way, now: 5_100 })
  await new Promise(setImmediate)
  assert.equal(reel.show(2_000, { ...way, now: 5_110 }), true)
})
