import assert from 'node:assert/strict'
import { test } from 'node:test'

import { duration } from '../../client/words/duration.js'
import { outcomeOf } from '../../client/painting/posting.js'

test('200 with a version is posted', () => {
  assert.deepEqual(outcomeOf(200, { v: 7 }, null), { kind: 'posted', version: 7 })
})

test('200 without a version leaves the outcome unknown', () => {
  for (const body of [null, {}, { v: '7' }, []]) assert.equal(outcomeOf(200, body, null).kind, 'unknown')
})

test('a cooldown says when, exactly if the server did', () => {
  assert.deepEqual(outcomeOf(429, { code: 'cooldown', retry_after_seconds: 0.37 }, '1'), {
    kind: 'refused',
    reason: 'Not yet: the next pixel is ready in 0.4\u00a0s.',
    retrySeconds: 0.37
  })
  const spent = { remaining: 0, nextSeconds: 12 } // a proxy has put its own page into the place of the server's text
  const [byHeader, byDate] = [outcomeOf(429, null, '12', spent), outcomeOf(429, null, 'Mon, 23 Nov 2026 22:00:00 GMT', spent)]
  assert.equal(byHeader.kind === 'refused' && byHeader.retrySeconds, 12)
  assert.equal(byDate.kind === 'refused' && byDate.retrySeconds, 1)
})

test("a proxy's own 429 says nothing of charges", () => {
  const outcome = outcomeOf(429, null, '12')
  assert.equal(outcome.kind === 'refused' && outcome.retrySeconds, null)
  assert.match(outcome.kind === 'refused' ? outcome.reason : '', /full .*429/)
})

test('what a proxy answers is told, and only what it rules out is taken back', () => {
  /** @type {[number, 'refused' | 'unknown', RegExp][]} */
  const answers = [
    [401, 'refused', /does not let you through \(401\)/],
    [403, 'refused', /does not let you through \(403\)/],
    [407, 'refused', /does not let you through/],
    [451, 'refused', /does not let you through/],
    [413, 'refused', /more than the server/],
    [421, 'refused', /this address \(421\)/],
    [502, 'unknown', /does not reach the server \(502\)/],
    [503, 'unknown', /restarting.*\(503\)/],
    [504, 'unknown', /does not reach the server \(504\)/],
    [522, 'unknown', /does not reach the server/]
  ]
  for (const [status, kind, reason] of answers) {
    const outcome = outcomeOf(status, null, null)
    assert.equal(outcome.kind, kind, String(status))
    assert.match('reason' in outcome ? outcome.reason : '', reason)
  }
})

test('refusals that certainly placed nothing take the pixel back', () => {
  for (const code of ['log-unavailable', 'writer-full', 'shutting-down', 'not-ready', 'too-many-connections']) {
    assert.equal(outcomeOf(503, { code }, '1').kind, 'refused')
  }
  assert.equal(outcomeOf(403, { code: 'banned' }, null).kind, 'refused')
  for (const [body, words] of /** @type {[object, RegExp][]} */ ([
    [{ code: 'banned', until: null }, /You may not paint on this canvas\.$/],
    [{ code: 'banned', until: '2027-01-02T12:00:00Z' }, /until .*2027/],
    [{ code: 'closed', opens: null }, /nobody can paint now/],
    [{ code: 'closed', opens: '2027-01-02T12:00:00Z' }, /closed until .*2027/],
    [{ code: 'protected', area: [0, 0, 9, 9] }, /Only moderators/]
  ])) {
    const outcome = outcomeOf(403, { ...body, detail: 'the server\'s own words' }, null)
    assert.match(outcome.kind === 'refused' ? outcome.reason : '', words)
    assert.deepEqual(outcome.kind === 'refused' && outcome.area, /** @type {any} */ (body).area) // to be shown
  }
})

test('a proxy that says of a POST that its outcome is not known is told apart from a server that does', () => {
  const byProxy = outcomeOf(502, { code: 'outcome-unknown', detail: 'x' }, null)
  assert.match('reason' in byProxy ? byProxy.reason : '', /does not reach the server \(502\)/)
  const byServer = outcomeOf(503, { code: 'outcome-unknown', detail: 'x' }, null)
  assert.match('reason' in byServer ? byServer.reason : '', /^The server did not say/)
})

test("the server's own sentence is the reason", () => {
  const outcome = outcomeOf(400, { code: 'invalid-parameter', detail: 'x must be an integer from 0 to 9' }, null)
  assert.equal(outcome.kind === 'refused' && outcome.reason, 'x must be an integer from 0 to 9')
})

test('a refusal that is mended by signing in, or by a pass, says which', () => {
  const [nobody, passless] = [outcomeOf(401, { code: 'sign-in', detail: 'sign in' }, null), outcomeOf(403, { code: 'challenge' }, null)]
  assert.deepEqual(nobody, { kind: 'refused', reason: 'Sign in to paint.', retrySeconds: null, code: 'sign-in' })
  assert.equal(passless.kind === 'refused' && passless.code, 'challenge')
})

test('whatever may have reached the log is unknown', () => {
  for (const [status, body] of /** @type {const} */ ([
    [503, { code: 'outcome-unknown' }],
    [500, { code: 'internal' }],
    [502, null],
    [504, null]
  ])) {
    assert.equal(outcomeOf(status, body, null).kind, 'unknown')
  }
})

test('waiting times read well, and no line ends before their unit', () => {
  assert.deepEqual([0.02, 3.42, 31.2, 299].map(duration), ['0.1\u00a0s', '3.4\u00a0s', '32\u00a0s', '5\u00a0min'])
})
