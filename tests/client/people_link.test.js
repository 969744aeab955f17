import assert from 'node:assert/strict'
import { test } from 'node:test'

import { takeFrom } from '../../client/people/link.js'

test('a code, a host link and a failure are taken out of the fragment', () => {
  assert.deepEqual(takeFrom('#code=ABCD-EFGH'), { brought: { code: 'ABCD-EFGH' }, rest: '' })
  assert.deepEqual(takeFrom('#host=s3cr3t_-'), { brought: { host: 's3cr3t_-' }, rest: '' })
  assert.deepEqual(takeFrom('#sign-in=provider-down'), { brought: { failed: 'provider-down' }, rest: '' })
})

test('what else the fragment names stays, in its order', () => {
  assert.deepEqual(takeFrom('#x=1&code=A&y=2&t=https%3A%2F%2Fa.b%2Fc.png,3,4&z=8'), {
    brought: { code: 'A' },
    rest: '#x=1&y=2&t=https%3A%2F%2Fa.b%2Fc.png,3,4&z=8'
  })
})

test('a fragment without any stays as it is', () => {
  for (const fragment of ['', '#x=1&y=2', '#t=12', '#decode=A', '#xcode=A', '#code']) {
    assert.deepEqual(takeFrom(fragment), { brought: null, rest: fragment })
  }
})

test('it is decoded, also where it was decoded badly', () => {
  assert.deepEqual(takeFrom('#code=%20AB%20CD%20').brought, { code: 'AB CD' })
  assert.deepEqual(takeFrom('#code=100%').brought, { code: '100%' })
  assert.deepEqual(takeFrom('#code=a=b').brought, { code: 'a=b' })
})

test('nothing, too much and a second one go out of the address without being used', () => {
  assert.deepEqual(takeFrom('#code='), { brought: null, rest: '' })
  assert.deepEqual(takeFrom(`#code=${'A'.repeat(201)}&x=1`), { brought: null, rest: '#x=1' })
  assert.deepEqual(takeFrom('#code=A&host=B&code=C'), { brought: { code: 'A' }, rest: '' })
})
