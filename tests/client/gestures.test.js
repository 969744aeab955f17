import assert from 'node:assert/strict'
import { test } from 'node:test'

import { listenToGestures } from '../../client/view/gestures.js'

class Surface extends EventTarget {
  getBoundingClientRect = () => ({ left: 0, top: 0 })
  setPointerCapture() {}
}

/**
 * The gestures reported for a press that slips so far.
 *
 * @param {string} pointerType
 * @param {number} px
 * @returns {string[]}
 */
function slip(pointerType, px) {
  const did = /** @type {string[]} */ ([])
  const surface = new Surface()
  const note = (/** @type {string} */ what) => () => void did.push(what)
  const screen = { pan: note('pan'), fling() {}, settle() {}, pinch() {}, zoom() {} }
  const gestures = { tap: () => did.push('tap') > 0, hover() {}, drawing: () => false, draw: note('draw'), pick: note('pick'), doubleTap() {} }
  listenToGestures(/** @type {any} */ (surface), screen, gestures)
  for (const [type, clientX] of /** @type {const} */ ([['pointerdown', 100], ['pointermove', 100 + px], ['pointerup', 100 + px]])) {
    surface.dispatchEvent(Object.assign(new Event(type), { pointerType, pointerId: 1, button: 0, clientX, clientY: 50 }))
  }
  return did
}

const SLIPS = /** @type {const} */ ([['mouse', 4, 5], ['pen', 10, 11], ['touch', 10, 11], ['', 10, 11]])

for (const [type, most, more] of SLIPS) {
  test(`a ${type || 'nameless pointer'} may slip ${most} px and still tap`, () => {
    assert.deepEqual(slip(type, most), ['tap'])
    assert.deepEqual(slip(type, more), ['pan'])
  })
}
