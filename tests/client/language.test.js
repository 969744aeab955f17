import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { GATE_TEXTS } from '../../client/gate/texts.js'
import { MODERATION_TEXTS } from '../../client/moderation/texts.js'
import { PAST_TEXTS } from '../../client/past/texts.js'
import { PEOPLE_TEXTS } from '../../client/people/texts.js'
import { REPORTING_TEXTS } from '../../client/reporting/texts.js'
import { COLORS, colorName } from '../../client/words/color_names.js'
import { pick, speakerOf, t } from '../../client/words/language.js'
import { MORE_TEXTS } from '../../client/words/more_texts.js'
import { TEXTS as FIRST_TEXTS } from '../../client/words/texts.js'

const FILES = [FIRST_TEXTS, MORE_TEXTS, PAST_TEXTS, PEOPLE_TEXTS, GATE_TEXTS, MODERATION_TEXTS, REPORTING_TEXTS]
const [en, de, fr] = /** @type {const} */ (['en', 'de', 'fr']).map((tag) => Object.assign({}, ...FILES.map((texts) => texts[tag])))
const TEXTS = { en, de, fr }

test('the first wished language that there is is taken, whatever its region', () => {
  assert.equal(pick(['nl', 'fr-CH', 'de']), 'fr')
  assert.equal(pick(['DE-at']), 'de')
})

test('without one it is English', () => {
  assert.equal(pick([]), 'en')
  assert.equal(pick(['tlh']), 'en')
})

test('each language has each text, with the same places for values', () => {
  const places = (/** @type {string} */ text) => [...new Set(text.match(/(?<=\{)\w+(?=[|}])/g) ?? [])].sort()
  for (const texts of Object.values(TEXTS)) {
    assert.deepEqual(Object.keys(texts), Object.keys(TEXTS.en))
    for (const [key, text] of Object.entries(texts)) {
      assert.ok(text, key)
      assert.deepEqual(places(text), places(TEXTS.en[/** @type {keyof typeof TEXTS.en} */ (key)]), key)
    }
  }
})

test('each language is in all files, and no text in two', () => {
  for (const texts of FILES) assert.deepEqual(Object.keys(texts), Object.keys(FIRST_TEXTS))
  const keys = FILES.flatMap((texts) => Object.keys(texts.en))
  assert.equal(new Set(keys).size, keys.length)
})

test('a text is given as it is where it has no places, whichever file it is in', () => {
  assert.equal(t('live'), TEXTS.en.live)
  assert.equal(t('nothingToUndo'), TEXTS.en.nothingToUndo)
})

test('a text that has forms for a number has one for all others', () => {
  for (const text of Object.values(TEXTS).flatMap(Object.values)) {
    for (const [, forms] of text.matchAll(/\{\w+\|([^}]*)\}/g)) assert.match(forms, /(^|\|)other:[^|]/, text)
  }
})

test('each language says in which direction it is written', () => {
  for (const { direction } of Object.values(TEXTS)) assert.match(direction, /^(ltr|rtl)$/)
})

const SIX = '{count|zero:none|one:single|two:pair|few:# few|many:# many|other:# other} x'

test('Arabic can have its six forms', () => {
  const speak = speakerOf('ar-u-nu-latn')
  const said = [0, 1, 2, 3, 11, 100, 1103].map((count) => speak(SIX, { count }))
  assert.deepEqual(said, ['none x', 'single x', 'pair x', '3 few x', '11 many x', '100 other x', '1,103 few x'])
})

test('Polish can have its three, of several numbers in one text', () => {
  const speak = speakerOf('pl')
  const text = '{right|one:# dobry|few:# dobre|many:# dobrych|other:# dobrego}, {left|one:# piksel|few:# piksele|other:# pikseli}'
  const said = [[1, 5], [2, 1], [5, 22], [1.5, 12345]].map(([right, left]) => speak(text, { right, left }))
  assert.deepEqual(said, ['1 dobry, 5 pikseli', '2 dobre, 1 piksel', '5 dobrych, 22 piksele', '1,5 dobrego, 12\u00a0345 pikseli'])
})

test('a language without plurals needs one form, and a form that is missing is the one for all others', () => {
  assert.equal(speakerOf('ja')('{count|other:#人}', { count: 1 }), '1人')
  assert.equal(speakerOf('en')('{count|other:# of them}', { count: 1 }), '1 of them')
})

test('French counts none as one', () => {
  assert.deepEqual([0, 1, 2].map((count) => speakerOf('fr')(TEXTS.fr.ready, { count, charges: 10 })),
    ['0 sur 10 prêt', '1 sur 10 prêt', '2 sur 10 prêts'])
})

test('a value is put in as it is, whatever is in it', () => {
  assert.equal(speakerOf('en')('{why}|{n|one:#!|other:#}', { why: '{n} # $& |', n: 1 }), '{n} # $& ||1!')
})

const PALETTES = readFileSync(new URL('../../placed/canvas/palette.py', import.meta.url), 'utf8')
const NAMES = [...PALETTES.matchAll(/^ {4}(?:[0-9a-f]{6} (.+)|"(.+)": 0x.+)$/gm)].map(([, built, basic]) => built ?? basic)

test('each colour that the server has a name for has one in each language, of its own', () => {
  assert.ok(NAMES.length >= 16 + 32 + 27)
  assert.deepEqual(new Set(Object.keys(COLORS)), new Set(NAMES))
  for (const language of Object.keys(TEXTS).filter((one) => one !== 'en')) {
    const translated = Object.values(COLORS).map((names) => names[language])
    assert.ok(translated.every(Boolean))
    assert.equal(new Set(translated).size, translated.length)
  }
})

test('a numbered colour keeps its number, and one that somebody has named its name', () => {
  const name = (/** @type {string} */ color) => colorName(color, 'de')
  assert.deepEqual(['red', 'red 2', 'dark red', 'Ferrari', '7 up', 'constructor', ''].map((one) => name(one)),
    ['Rot', 'Rot 2', 'Dunkelrot', 'Ferrari', '7 up', 'constructor', ''])
  assert.equal(colorName('red 2'), 'red 2')
})
