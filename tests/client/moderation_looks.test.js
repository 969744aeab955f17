import assert from 'node:assert/strict'
import { mock, test } from 'node:test'

import { keepLooking, LOOK_MS } from '../../client/moderation/keep_looking.js'
import { Looks } from '../../client/moderation/looks.js'

/** Lists that note when they are looked at, and the canvas's version. */
function desk() {
  const looked = /** @type {string[]} */ ([])
  const said = { version: 1, isOther: /** @type {boolean | null} */ (false), hasEnded: false }
  const list = (/** @type {string} */ name) => ({
    async look() {
      looked.push(name)
      return said.isOther
    }
  })
  const bans = { ...list('bans'), hasEnded: () => said.hasEnded }
  const looks = new Looks({ acts: list('acts'), bans, protections: list('protections'), reports: list('reports') }, () => said.version)
  /** The lists that this look asks for, except reports. */
  const look = async () => {
    looked.length = 0
    await looks.look(0)
    return looked.filter((name) => name !== 'reports')
  }
  return { look, looked, said }
}

/** A desk where nothing has changed for a while. */
async function quiet() {
  const it = desk()
  await it.look()
  await it.look()
  return it
}

test('while the canvas stands still nobody has done an act, and none is asked for', async () => {
  const { look } = await quiet()
  assert.deepEqual(await look(), [])
})

test('when it has moved the acts are looked at, and once more, as another server may have answered', async () => {
  const { look, said } = await quiet()
  said.version = 2
  assert.deepEqual([await look(), await look(), await look()], [['acts'], ['acts'], []])
})

test('what an act changes is looked at when there is another one', async () => {
  const { look, said } = await quiet()
  said.version = 2
  said.isOther = true
  assert.deepEqual(await look(), ['acts', 'bans', 'protections'])
})

test('what nobody has told is asked for again', async () => {
  const { look, said } = await quiet()
  said.version = 2
  said.isOther = null
  await look()
  await look()
  assert.deepEqual(await look(), ['acts'])
  said.isOther = true
  assert.deepEqual(await look(), ['acts', 'bans', 'protections'])
  said.isOther = false
  assert.deepEqual(await look(), [])
})

test('a ban that has ended goes without an act', async () => {
  const { look, said } = await quiet()
  said.hasEnded = true
  assert.deepEqual(await look(), ['bans'])
})

test('reports, which no version tells of, are looked at every other time', async () => {
  const { look, looked } = desk()
  const counts = []
  for (let n = 0; n < 4; n++) {
    await look()
    counts.push(looked.filter((name) => name === 'reports').length)
  }
  assert.deepEqual(counts, [1, 0, 1, 0])
})

/** A page that is visible or not, and a look that lasts until the test lets it go. */
function page() {
  mock.timers.enable({ apis: ['setTimeout'] })
  const looks = /** @type {(() => Promise<void>)[]} */ ([])
  const document = Object.assign(new EventTarget(), { hidden: false })
  const end = keepLooking(() => new Promise((resolve) => looks.push(async () => {
    resolve()
    await new Promise(setImmediate)
  })), document)
  const see = (/** @type {boolean} */ isSeen) => {
    document.hidden = !isSeen
    document.dispatchEvent(new Event('visibilitychange'))
  }
  const stop = () => {
    end()
    mock.timers.reset()
  }
  return { looks, see, stop, wait: () => mock.timers.tick(LOOK_MS) }
}

test('one look follows the other, a while after it was answered', async () => {
  const { looks, stop, wait } = page()
  assert.equal(looks.length, 0)
  wait()
  wait()
  assert.equal(looks.length, 1) // it isn't answered yet
  await looks[0]()
  wait()
  assert.equal(looks.length, 2)
  stop()
})

test('nothing is asked while nobody sees the page, and at once when somebody does again', async () => {
  const { looks, see, stop, wait } = page()
  wait()
  see(false)
  await looks[0]()
  wait()
  assert.equal(looks.length, 1)
  see(true)
  assert.equal(looks.length, 2)
  see(false)
  see(true)
  assert.equal(looks.length, 2) // one at a time
  stop()
})

test('after the end nothing is asked, whatever was under way', async () => {
  const { looks, see, stop, wait } = page()
  wait()
  stop()
  mock.timers.enable({ apis: ['setTimeout'] })
  await looks[0]()
  wait()
  see(true)
  assert.equal(looks.length, 1)
  mock.timers.reset()
})
