import assert from 'node:assert/strict'
import { test } from 'node:test'

import { pick, t } from '../../client/language.js'
import { TEXTS } from '../../client/texts.js'

test('the first wished language that there is is taken, whatever its region', () => {
  assert.equal(pick(['nl', 'fr-CH', 'de']), 'fr')
  assert.equal(pick(['DE-at']), 'de')
})

test('without one it is English', () => {
  assert.equal(pick([]), 'en')
  assert.equal(pick(['tlh']), 'en')
})

test('each language has each text, with the same places for values', () => {
  const places = (/** @type {string} */ text) => (text.match(/\{\w+\}/g) ?? []).sort()
  for (const texts of Object.values(TEXTS)) {
    assert.deepEqual(Object.keys(texts), Object.keys(TEXTS.en))
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(text, key)
      assert.deepEqual(places(text), places(TEXTS.en[/** @type {keyof typeof TEXTS.en} */ (key)]), key)
    }
  }
})

test('a text is given as it is where it has no places', () => {
  assert.equal(t('live'), TEXTS.en.live)
})
