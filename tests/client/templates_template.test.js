import assert from 'node:assert/strict'
import { test } from 'node:test'

import { changed, checkRoom, checkSides } from '../../client/templates/template.js'

/** @type {import('../../client/templates/template.js').Template} */
const wide = {
  id: 1, name: 'a', x: 0, y: 0, width: 200, height: 100, ratio: 0.5, opacity: 60, style: 'faint', hidden: false,
  image: new Blob(), url: '', entry: ''
}

test('the height follows from the width, and is at least a pixel', () => {
  assert.deepEqual(changed(wide, { width: 51, x: -3 }), { ...wide, width: 51, height: 26, x: -3 })
  assert.equal(changed({ ...wide, ratio: 0.001 }, { width: 10 }).height, 1)
})

test('a change leaves the template before it as it was', () => {
  const before = { ...wide }
  changed(wide, { x: 9 })
  assert.deepEqual(wide, before)
})

for (const changes of [
  { x: NaN }, { x: 1.5 }, { x: 4097 }, { y: -4097 }, { width: 0 }, { width: 1e21 }, { opacity: 101 }, { opacity: 4 }
]) {
  test(`${JSON.stringify(changes)} is refused with what is allowed`, () => {
    const name = Object.keys(changes)[0]
    assert.throws(() => changed(wide, changes), new RegExp(`${name}=.*Allowed: -?\\d+ … \\d+`))
  })
}

test('a width that makes it higher than any canvas is refused', () => {
  assert.throws(() => changed({ ...wide, ratio: 2 }, { width: 2049 }), /2049 x 4098.*4096 x 4096/)
  assert.throws(() => checkSides({ width: 4097, height: 1 }), /4097 x 1/)
})

test('sixteen templates are enough, and so are the pixels of the largest canvas', () => {
  checkRoom(Array(16).fill(wide))
  assert.throws(() => checkRoom(Array(17).fill(wide)), /16/)
  const whole = { ...wide, width: 4096, height: 4096 }
  checkRoom([whole])
  assert.throws(() => checkRoom([whole, { ...wide, width: 1, height: 1 }]), /4096 x 4096/)
})
