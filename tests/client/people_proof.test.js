import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { isSolvable, solve } from '../../client/people/proof.js'
import { START, blocksOf, compress } from '../../client/people/sha256.js'

const { vectors } = JSON.parse(readFileSync(new URL('proof_vectors.json', import.meta.url), 'utf8'))
const [{ challenge: usual, number: usualNumber }] = vectors

/** @param {Uint8Array} message */
function hashOf(message) {
  const blocks = blocksOf(message)
  const state = START.slice()
  for (let at = 0; at < blocks.length; at += 16) compress(state, blocks, at, state)
  return Buffer.from(state.buffer).swap32().toString('hex')
}

test('a message of any length has the hash that others find', () => {
  for (let length = 0; length <= 200; length++) {
    const message = Uint8Array.from({ length }, (_, i) => 37 * i + length)
    assert.equal(hashOf(message), createHash('sha256').update(message).digest('hex'), `${length} bytes`)
  }
})

for (const { name, challenge, number } of vectors) {
  test(`a challenge ${name} is solved as ALTCHA's library does`, () => {
    assert.ok(isSolvable(challenge))
    assert.equal(solve(challenge), number)
  })
}

test('every number is found, whatever its digits', () => {
  for (const number of [0, 9, 10, 99, 100, 109, 110, 999, 1_000, 1_999, 9_999, 10_000]) {
    const challenge = createHash('sha256').update(`salt?&${number}`).digest('hex')
    assert.equal(solve({ ...usual, salt: 'salt?&', challenge, maxNumber: 10_000 }), number)
  }
})

test('a search ends at the largest number', () => {
  assert.equal(solve({ ...usual, maxNumber: usualNumber - 1 }), null)
  assert.equal(solve({ ...usual, maxNumber: usualNumber }), usualNumber)
})

test('what this search is not made for is not begun', () => {
  const others = [
    { algorithm: 'SHA-512' },
    { challenge: 'abc' },
    { challenge: undefined },
    { salt: null },
    { salt: 'x'.repeat(2_000) },
    { maxNumber: -1 },
    { maxNumber: 1.5 },
    { maxNumber: 1e12 },
    { signature: undefined }
  ]
  for (const other of others) assert.equal(isSolvable({ ...usual, ...other }), false, JSON.stringify(other))
  for (const nothing of [null, undefined, 7, 'text', {}]) assert.equal(isSolvable(nothing), false)
})
