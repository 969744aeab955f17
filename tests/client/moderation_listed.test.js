import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Listed } from '../../client/moderation/listed.js'

/**
 * A list of these items, paged like `GET /acts/bans`; `asked` has the requests.
 * @param {string[]} all  may be changed
 */
function served(all) {
  const asked = /** @type {[number | null, number][]} */ ([])
  const page = async (/** @type {number | null} */ from, /** @type {number} */ limit) => {
    asked.push([from, limit])
    const end = (from ?? 0) + limit
    return { items: all.slice(from ?? 0, end), next: end < all.length ? end : null, isCut: false }
  }
  return { listed: new Listed(page, 2), asked }
}

/**
 * A list whose answers arrive when the test says so.
 */
function slow() {
  const waiting = /** @type {((items: string[], next?: number | null) => Promise<void>)[]} */ ([])
  const page = () => new Promise((/** @type {(page: import('../../client/moderation/listed.js').Page<string>) => void} */ resolve) => {
    waiting.push(async (items, next = null) => {
      resolve({ items, next, isCut: false })
      await new Promise(setImmediate)
    })
  })
  return { listed: new Listed(page, 2), waiting }
}

test('a list shows its beginning, and more of it when that is asked for', async () => {
  const { listed } = served(['a', 'b', 'c'])
  await listed.load()
  assert.deepEqual([listed.items, listed.next], [['a', 'b'], 2])
  await listed.more()
  assert.deepEqual([listed.items, listed.next], [['a', 'b', 'c'], null])
})

test('a look shows as much as was shown, as it is by now, and says whether it is something else', async () => {
  const all = ['a', 'b', 'c', 'd', 'e']
  const { listed, asked } = served(all)
  await listed.load()
  await listed.more()
  assert.equal(await listed.look(), false)
  assert.deepEqual(asked.at(-1), [null, 4]) // one request, however often the test asks for more
  all.splice(0, 2)
  assert.equal(await listed.look(), true)
  assert.deepEqual([listed.items, listed.next], [['c', 'd', 'e'], null])
})

test('a look asks for more than an answer holds in several questions', async () => {
  const { listed, asked } = served(Array.from({ length: 205 }, (_, number) => `${number}`))
  await listed.load()
  while (listed.next !== null) await listed.more()
  asked.length = 0
  await listed.look()
  assert.deepEqual(asked, [[null, 100], [100, 100], [200, 5]])
  assert.equal(listed.items.length, 205)
})

test('that the list goes on, or is cut, is news by itself', async () => {
  const all = ['a', 'b']
  const { listed } = served(all)
  await listed.load()
  all.push('c')
  assert.equal(await listed.look(), true)
  assert.equal(listed.next, 2)
})

test('a look that was begun before somebody asked for more takes nothing away, and is asked again', async () => {
  const { listed, waiting } = slow()
  const loading = listed.load()
  await waiting[0](['a', 'b'], 2)
  await loading
  const [look, more] = [listed.look(), listed.more()]
  await waiting[2](['c', 'd'])
  await more
  await waiting[1](['b'])
  assert.deepEqual(listed.items, ['a', 'b', 'c', 'd'])
  await waiting[3](['b', 'c', 'd'])
  assert.equal(await look, true)
  assert.deepEqual(listed.items, ['b', 'c', 'd'])
})

test('of two looks the one that was begun later counts, whichever is answered first', async () => {
  const { listed, waiting } = slow()
  const looks = [listed.look(), listed.look()]
  await waiting[1](['new'])
  await waiting[0](['old'])
  assert.deepEqual(await Promise.all(looks), [false, true])
  assert.deepEqual(listed.items, ['new'])
})
