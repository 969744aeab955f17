import assert from 'node:assert/strict'
import { test } from 'node:test'

import { actOf, areaOf, Missing } from '../../client/moderation/request.js'

/** @typedef {import('../../client/moderation/request.js').Chosen} Chosen */

const CANVAS = { width: 100, height: 50 }
const NOW = Date.parse('2026-01-02T03:04:05.000Z')
const AREA = { x: 1, y: 2, width: 3, height: 4 }
const ADA = '0123456789abcdef'

/** @param {Partial<Chosen>} chosen */
function act(chosen) {
  const nothing = /** @type {Chosen} */ ({
    kind: 'restore', area: null, authors: [], to: 'others', moment: null, minutes: 60, color: 0, picture: '', hours: null, reason: ''
  })
  return actOf({ ...nothing, ...chosen }, CANVAS, NOW)
}

/**
 * @param {Partial<Chosen>} chosen
 * @param {string} key
 */
function lacks(chosen, key) {
  assert.throws(() => act(chosen), (error) => error instanceof Missing && error.key === key)
}

test('a restore of everybody’s pixels names its area, and the whole canvas where none is chosen', () => {
  assert.deepEqual(act({ to: 'ago', area: AREA }), { kind: 'restore', area: [1, 2, 3, 4], to: { t: '2026-01-02T02:04:05.000Z' } })
  assert.deepEqual(act({ to: 'moment', moment: NOW - 1.5 }), { kind: 'restore', area: [0, 0, 100, 50], to: { t: '2026-01-02T03:04:04.998Z' } })
})

test('a restore of authors to what others painted last needs neither area nor moment', () => {
  assert.deepEqual(act({ authors: [ADA] }), { kind: 'restore', authors: [ADA] })
  assert.deepEqual(act({ authors: [ADA], area: AREA }), { kind: 'restore', area: [1, 2, 3, 4], authors: [ADA] })
})

test('what is missing is told', () => {
  lacks({}, 'mod_noAuthor')
  lacks({ to: 'moment', area: AREA }, 'mod_noMoment')
  lacks({ to: 'ago', area: AREA, minutes: NaN }, 'mod_noMinutes')
  lacks({ to: 'ago', area: AREA, minutes: 0 }, 'mod_noMinutes')
  for (const kind of /** @type {const} */ (['wipe', 'protect'])) lacks({ kind }, 'mod_noArea')
  lacks({ kind: 'stamp', area: AREA }, 'mod_noPicture')
  lacks({ kind: 'stamp', picture: 'AAAA' }, 'mod_noArea')
  for (const kind of /** @type {const} */ (['ban', 'unban'])) lacks({ kind, area: AREA }, 'mod_noAuthor')
})

test('each other act has what it needs, and no more', () => {
  assert.deepEqual(act({ kind: 'wipe', area: AREA, authors: [ADA] }), { kind: 'wipe', area: [1, 2, 3, 4] })
  assert.deepEqual(act({ kind: 'wipe', area: AREA, color: 5, reason: 'ads' }), { kind: 'wipe', area: [1, 2, 3, 4], color: 5, reason: 'ads' })
  assert.deepEqual(act({ kind: 'stamp', area: AREA, picture: 'AAAA' }), { kind: 'stamp', area: [1, 2, 3, 4], picture: 'AAAA' })
  assert.deepEqual(act({ kind: 'protect', area: AREA }), { kind: 'protect', area: [1, 2, 3, 4] })
  assert.deepEqual(act({ kind: 'ban', authors: [ADA], hours: 24 }), { kind: 'ban', authors: [ADA], until: '2026-01-03T03:04:05.000Z' })
  assert.deepEqual(act({ kind: 'ban', authors: [ADA] }), { kind: 'ban', authors: [ADA], until: null })
  assert.deepEqual(act({ kind: 'unban', authors: [ADA], area: AREA }), { kind: 'unban', authors: [ADA] })
})

test('an area is what its four numbers say, and none where nothing was typed', () => {
  assert.deepEqual(areaOf(['1', '2', '99', '48'], CANVAS), { x: 1, y: 2, width: 99, height: 48 })
  assert.equal(areaOf(['', '', '', ''], CANVAS), null)
})

test('an area that is half typed, or beyond the canvas, is no area, and by no means all of the canvas', () => {
  for (const typed of [['1', '2', '3', ''], ['1', '2', '100', '4'], ['1', '2', '0', '4'], ['-1', '2', '3', '4'], ['1.5', '2', '3', '4'], ['no number', '', '', '']]) {
    assert.throws(() => areaOf(typed, CANVAS), (error) => error instanceof Missing && error.key === 'mod_badArea', typed.join())
  }
})
