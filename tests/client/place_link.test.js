import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fragmentOf, placeOf } from '../../client/view/place_link.js'

test('a place is found again in its fragment', () => {
  for (const place of [{ x: 0, y: 0, scale: 1 }, { x: 999, y: 4095, scale: 0.25 }, { x: 12, y: 7, scale: null }]) {
    assert.deepEqual(placeOf(fragmentOf(place)), place)
  }
})

test('the scale is given to three digits', () => {
  assert.equal(fragmentOf({ x: 1, y: 2, scale: 12.3456 }), '#x=1&y=2&z=12.3')
})

test('what else stands in a fragment stays as it is', () => {
  const fragment = '#x=1&t=a%26b,3,4&y=2&t=c&z=9'
  assert.equal(fragmentOf({ x: 5, y: 6, scale: 2 }, fragment), '#x=5&y=6&z=2&t=a%26b,3,4&t=c')
})

test('what is no place names none', () => {
  for (const fragment of ['', '#', '#x=1', '#x=-1&y=2', '#x=1.5&y=2', '#x=1e3&y=0', '#x=foo&y=2', '#x=99999&y=1', '#t=x,1,2']) {
    assert.equal(placeOf(fragment), null, fragment)
  }
})

test('a scale that is none leaves the place', () => {
  for (const z of ['0', '-2', 'foo', '1e9', '']) assert.deepEqual(placeOf(`#x=1&y=2&z=${z}`), { x: 1, y: 2, scale: null })
})
