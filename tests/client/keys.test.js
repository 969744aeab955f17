import assert from 'node:assert/strict'
import { test } from 'node:test'

import { KEYS, actionOf } from '../../client/keys.js'

const plain = { ctrlKey: false, metaKey: false, altKey: false }

test('no key does two things', () => {
  const keys = Object.values(KEYS).flat()
  assert.equal(new Set(keys).size, keys.length)
})

test('capital letters do what small ones do', () => {
  assert.equal(actionOf({ ...plain, key: 'U' }), 'undo')
  assert.equal(actionOf({ ...plain, key: 'ArrowUp' }), 'move')
})

test("the browser's own shortcuts are left to it, but for undo", () => {
  for (const key of ['f', 's', 't', '+', '0']) assert.equal(actionOf({ ...plain, ctrlKey: true, key }), null)
  assert.equal(actionOf({ ...plain, altKey: true, key: 'ArrowLeft' }), null)
  assert.equal(actionOf({ ...plain, ctrlKey: true, key: 'z' }), 'undo')
  assert.equal(actionOf({ ...plain, metaKey: true, key: 'z' }), 'undo')
})

test('other keys do nothing', () => {
  for (const key of ['Tab', 'F5', 'q', 'toString', 'Home']) assert.equal(actionOf({ ...plain, key }), null)
})
