import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'

import { acts, bans, perform, preview, protections, reports, whyNot, whyNotDone } from '../../client/moderation/asking.js'

const { fetch } = globalThis
afterEach(() => {
  globalThis.fetch = fetch
})

/**
 * Make the server give this answer.
 *
 * @param {number} status
 * @param {object} body
 */
function answering(status, body) {
  const asked = /** @type {{ address: string, options: RequestInit }[]} */ ([])
  globalThis.fetch = /** @type {any} */ (async (/** @type {string} */ address, /** @type {RequestInit} */ options) => {
    asked.push({ address, options })
    return new Response(JSON.stringify(body), { status })
  })
  return asked
}

test('an act and its preview are waited for as long as the server works, and lists are not', async () => {
  const asked = answering(200, { id: 5, pixels: 7, acts: [], bans: [], protections: [] })
  assert.deepEqual(await perform({ kind: 'wipe' }), { id: 5, pixels: 7 })
  await preview({ kind: 'wipe' })
  assert.deepEqual(asked.map(({ options }) => options.signal), [null, null])
  for (const list of [acts(null, 20), bans(null, 20), protections(), reports(null, 10)]) await list
  assert.ok(asked.slice(2).every(({ options }) => options.signal instanceof AbortSignal))
})

test('who is banned and what is protected comes as the page has it', async () => {
  const asked = answering(200, { bans: [{ author: 'a'.repeat(16), until: null, act: 3 }], next: 20, protections: [{ act: 4, area: [1, 2, 3, 4] }] })
  assert.deepEqual((await bans(20, 50)).next, 20)
  assert.equal(asked[0].address, 'acts/bans?limit=50&skip=20')
  assert.deepEqual((await protections()).items, [{ act: 4, area: { x: 1, y: 2, width: 3, height: 4 } }])
})

test('the end of what was done is told, and whether the server can tell what was before', async () => {
  answering(200, { acts: [{ id: 3 }], next: 3, older: null })
  assert.deepEqual(await acts(null, 20), { items: [{ id: 3 }], next: 3, isCut: false })
  const asked = answering(200, { acts: [], next: null, older: 'not-kept' })
  assert.deepEqual(await acts(3, 20), { items: [], next: null, isCut: true })
  assert.equal(asked[0].address, 'acts?limit=20&before=3')
})

test('where nobody says whether an act was done, the page does not say that it failed', async () => {
  for (const [status, body] of /** @type {[number, object][]} */ ([[504, {}], [502, { code: 'unavailable' }], [503, { code: 'outcome-unknown' }]])) {
    answering(status, body)
    assert.match(whyNotDone(await perform({ kind: 'wipe' }).catch((error) => error)), /may still be at work/)
  }
  globalThis.fetch = async () => {
    throw new TypeError('network')
  }
  const error = await acts(null, 20).catch((error) => error)
  assert.match(whyNotDone(error), /may still be at work/)
  assert.doesNotMatch(whyNot(error), /may still be at work/) // a list was asked for
})

test('each refusal says what to do', async () => {
  for (const [status, code, words] of /** @type {[number, string, RegExp][]} */ ([
    [503, 'busy', /Other acts/],
    [503, 'unfinished', /broken off/],
    [409, 'no-effect', /change nothing/],
    [409, 'full', /no room/],
    [409, 'not-kept', /past/],
    [503, 'indexing', /still reading/],
    [403, 'not-a-moderator', /Sign in again/]
  ])) {
    answering(status, { code, detail: 'English' })
    assert.match(whyNotDone(await perform({ kind: 'wipe' }).catch((error) => error)), words)
  }
})

test('what is wrong in an act is told in the page’s words, and not with the value, which may be a picture', async () => {
  for (const [parameter, words] of /** @type {[string, RegExp][]} */ ([['picture', /PNG/], ['text', /too long/], ['reason', /too long/], ['width', /smaller/], ['height', /smaller/]])) {
    answering(400, { code: 'invalid-parameter', parameter, detail: `${parameter}='iVBORw0K' is wrong` })
    const why = whyNotDone(await perform({ kind: 'stamp' }).catch((error) => error))
    assert.match(why, words)
    assert.doesNotMatch(why, /iVBOR/)
  }
  answering(413, { code: 'too-large', detail: 'English' })
  assert.match(whyNotDone(await perform({ kind: 'stamp' }).catch((error) => error)), /390 KB/)
})
