import assert from 'node:assert/strict'
import { test } from 'node:test'

import { refusalOf, whyRefused } from '../../client/stream/refusals.js'

test('the status says what it means, whoever answered', () => {
  const kinds = {
    full: [429],
    refused: [401, 403, 407, 451, 511],
    restarting: [503],
    unreachable: [502, 504, 520, 522, 530],
    'too-large': [413],
    misdirected: [421],
    failed: [400, 404, 418, 500, 531]
  }
  for (const [kind, statuses] of Object.entries(kinds)) {
    for (const status of statuses) assert.deepEqual(refusalOf(status, undefined), { kind, status })
  }
})

test('a code says more than its status', () => {
  assert.deepEqual(refusalOf(503, 'too-many-connections'), { kind: 'full', status: 503 })
  assert.deepEqual(refusalOf(401, 'sign-in'), { kind: 'signed-out', status: 401 })
  assert.deepEqual(refusalOf(503, 'writer-full'), { kind: 'restarting', status: 503 })
  assert.deepEqual(refusalOf(429, 'too-many-catch-ups'), { kind: 'full', status: 429, isFar: true })
})

test('each has a sentence with its status', () => {
  for (const status of [401, 413, 421, 429, 500, 502, 503]) {
    assert.match(whyRefused(refusalOf(status, null)), new RegExp(`^[A-Z].* \\(${status}\\)\\.$`))
  }
})
