import assert from 'node:assert/strict'
import { beforeEach, mock, test } from 'node:test'

import { forgetAll, keptAs, otherTabKeeps, serve } from './people_browser.js'
import { Pass } from '../../client/people/pass.js'
import { Passing } from '../../client/people/post_with_pass.js'

const CHALLENGE = { algorithm: 'SHA-256', challenge: 'ab', maxNumber: 9, salt: 'salt&', signature: 'ef' }
const MINUTE = 60_000

/** @param {number} minutes */
const passFor = (minutes, pass = 'p1') => ({ body: { pass, expires: Math.round(Date.now() / 1_000) + 60 * minutes } })
const settle = () => new Promise((resolve) => setTimeout(resolve))

beforeEach(() => {
  forgetAll()
  mock.method(console, 'warn', () => {})
})

test('a challenge is fetched, solved, and its proof posted', async () => {
  const asked = serve({ challenge: (body) => (body ? passFor(60) : { body: CHALLENGE }) })
  const pass = new Pass(async () => 7)
  assert.equal(pass.isReady(Date.now()), false)
  assert.deepEqual(pass.headers, {})
  await pass.renew()
  assert.deepEqual(pass.headers, { 'X-Placed-Pass': 'p1' })
  const { algorithm, challenge, salt, signature } = CHALLENGE
  const proof = JSON.parse(Buffer.from(asked[1].body.altcha, 'base64').toString())
  assert.deepEqual(proof, { algorithm, challenge, number: 7, salt, signature })
})

test('a pass is renewed five minutes before it ends, once', async () => {
  const asked = serve({ challenge: (body) => (body ? passFor(60) : { body: CHALLENGE }) })
  const pass = new Pass(async () => 7)
  await pass.renew()
  const now = Date.now()
  pass.tick(now + 54 * MINUTE)
  assert.equal(asked.length, 2)
  pass.tick(now + 56 * MINUTE)
  pass.tick(now + 56 * MINUTE)
  await settle()
  assert.equal(asked.length, 4)
  assert.equal(pass.isReady(now + 59 * MINUTE), true)
  assert.equal(pass.isReady(now + 61 * MINUTE), false)
})

test('a browser whose clock is wrong does not search without end', async () => {
  for (const minutes of [-600, 600]) {
    serve({ challenge: (body) => (body ? passFor(minutes) : { body: CHALLENGE }) })
    const pass = new Pass(async () => 7)
    await pass.renew()
    assert.equal(pass.isReady(Date.now() + 9 * MINUTE), true)
    assert.equal(pass.isReady(Date.now() + 61 * MINUTE), false)
  }
})

test('after a failure it rests, ever longer', async () => {
  const asked = serve({ challenge: null })
  const pass = new Pass(async () => 7)
  const start = Date.now()
  /** @param {number} seconds */
  const tickAt = async (seconds) => {
    pass.tick(start + 1_000 * seconds)
    await settle()
    return asked.length
  }
  assert.equal(await tickAt(0), 1)
  assert.equal(await tickAt(1), 1)
  assert.equal(await tickAt(3), 2)
  assert.equal(await tickAt(3.5), 2)
  assert.equal(await tickAt(30), 3)
})

test('one pass serves all tabs, and the page that is loaded next', async () => {
  serve({ challenge: (body) => (body ? passFor(60) : { body: CHALLENGE }) })
  const other = new Pass(async () => 7)
  await new Pass(async () => 7).renew()
  otherTabKeeps('placed.pass', keptAs('placed.pass'))
  assert.deepEqual(other.headers, { 'X-Placed-Pass': 'p1' })
  assert.equal(new Pass(async () => 7).isReady(Date.now()), true)
})

test('what is kept and is no pass counts for nothing', () => {
  for (const kept of ['{', 'null', '7', '{"pass":7,"until":1}', '{"pass":"a b","until":1}', `{"pass":"p","until":${Date.now() + 1e12}}`]) {
    otherTabKeeps('placed.pass', kept)
    assert.deepEqual(new Pass(async () => 7).headers, {}, kept)
  }
})

/**
 * Posting, with answers to the posts.
 * @param {(sent: string | undefined) => object} outcomeOf  of what was posted with this pass
 */
function passingWith(outcomeOf) {
  const sent = /** @type {(string | undefined)[]} */ ([])
  const said = /** @type {string[]} */ ([])
  let passes = 0
  serve({ challenge: (body) => (body ? passFor(60, `p${++passes}`) : { body: CHALLENGE }) })
  const searches = /** @type {((number: number | null) => void)[]} */ ([])
  const search = () => new Promise((resolve) => searches.push(resolve))
  const post = async (/** @type {object} */ _edits, headers = /** @type {Record<string, string>} */ ({})) => {
    sent.push(headers['X-Placed-Pass'])
    return { outcome: outcomeOf(headers['X-Placed-Pass']), rateLimit: null }
  }
  const passing = new Passing((text) => said.push(text), new Pass(/** @type {any} */ (search)), /** @type {any} */ (post))
  return { passing, sent, said, searches }
}
const EDITS = [{ id: 1, x: 1, y: 2, color: 3 }]
const POSTED = { kind: 'posted', version: 7 }
const REFUSED = { kind: 'refused', reason: 'no', retrySeconds: null, code: 'challenge' }

test('edits wait for the pass, which is said, and go out by themselves', async () => {
  const { passing, sent, said, searches } = passingWith(() => POSTED)
  const both = Promise.all([passing.post(EDITS), passing.post(EDITS)])
  await settle()
  assert.deepEqual(sent, [])
  assert.match(said[0], /Getting ready to paint/)
  assert.equal(searches.length, 1, 'one search for both')
  searches[0](7)
  assert.deepEqual((await both).map(({ outcome }) => outcome), [POSTED, POSTED])
  assert.deepEqual(sent, ['p1', 'p1'])
})

test('an edit whose pass is taken no more is posted once again, with a new one', async () => {
  const { passing, sent, searches } = passingWith((pass) => (pass === 'p1' ? REFUSED : POSTED))
  const posted = passing.post(EDITS)
  await settle()
  searches[0](7)
  await settle()
  searches[1](7)
  assert.deepEqual((await posted).outcome, POSTED)
  assert.deepEqual(sent, ['p1', 'p2'])
})

test('it is not posted without end', async () => {
  const { passing, sent, searches } = passingWith(() => REFUSED)
  const posted = passing.post(EDITS)
  await settle()
  searches[0](7)
  await settle()
  searches[1](7)
  const { outcome } = await posted
  assert.match(outcome.kind === 'refused' ? outcome.reason : '', /could not get ready/)
  assert.equal(sent.length, 2)
})

test('a search that finds nothing is told, and nothing is posted', async () => {
  const { passing, sent, searches } = passingWith(() => POSTED)
  const posted = passing.post(EDITS)
  await settle()
  searches[0](null)
  const { outcome } = await posted
  assert.match(outcome.kind === 'refused' ? outcome.reason : '', /could not get ready/)
  assert.deepEqual(sent, [])
})
