import assert from 'node:assert/strict'
import { test } from 'node:test'

import { AreaChoice, around } from '../../client/view/area.js'

test('an area has both corners, in whichever order they come', () => {
  const area = { x: 2, y: 3, width: 4, height: 1 }
  assert.deepEqual(around({ x: 2, y: 3 }, { x: 5, y: 3 }), area)
  assert.deepEqual(around({ x: 5, y: 3 }, { x: 2, y: 3 }), area)
})

test('a drag chooses, and only the one that was asked for', async () => {
  const choice = new AreaChoice()
  const chosen = choice.choose()
  assert.equal(choice.waiting, true)
  choice.drag({ x: 9, y: 9 })
  choice.drag({ x: 7, y: 12 })
  choice.drop()
  assert.deepEqual(await chosen, { x: 7, y: 9, width: 3, height: 4 })
  assert.equal(choice.waiting, false)
})

test('a choice that is given up is none', async () => {
  const choice = new AreaChoice()
  const chosen = choice.choose()
  choice.drag({ x: 1, y: 1 })
  choice.cancel()
  assert.equal(await chosen, null)
  assert.equal(choice.area, null)
})
