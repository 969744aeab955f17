import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Settings } from '../../client/page/settings.js'

/** @param {string | null} [kept] */
function storage(kept = null) {
  return {
    kept,
    getItem() {
      return this.kept
    },
    /** @param {string} _key @param {string} value */
    setItem(_key, value) {
      this.kept = value
    }
  }
}

test('what is chosen is kept for the next time, and told', () => {
  const kept = storage()
  const settings = new Settings(kept)
  let told = 0
  settings.onChange = () => (told += 1)
  settings.set({ grid: false, confirm: 'always' })
  assert.equal(told, 1)
  assert.deepEqual(new Settings(kept).values, settings.values)
  assert.equal(new Settings(kept).values.grid, false)
  assert.equal(new Settings(kept).values.confirm, 'always')
})

test('sound is off until somebody wants it', () => {
  assert.equal(new Settings(null).values.sound, false)
})

test('what was kept and is not allowed is passed over', () => {
  const defaults = new Settings(null).values
  for (const kept of ['', 'nonsense', 'null', '7', '[]', '{"grid":"no","confirm":"maybe","theme":3,"unknown":true}']) {
    assert.deepEqual(new Settings(storage(kept)).values, defaults, kept)
  }
})

test('a storage that refuses is lived without', () => {
  const settings = new Settings({
    getItem: () => null,
    setItem() {
      throw new DOMException('full', 'QuotaExceededError')
    }
  })
  settings.set({ sound: true })
  assert.equal(settings.values.sound, true)
})
