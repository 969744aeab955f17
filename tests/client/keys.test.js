import assert from 'node:assert/strict'
import { test } from 'node:test'

import { KEYS, actionOf, keyOf, shownKey } from '../../client/page/keys.js'

/** @typedef {import('../../client/page/keys.js').Press} Press */

/**
 * @param {string} key
 * @param {string} [code]
 * @param {Partial<Press>} [more]
 */
const press = (key, code = '', more = {}) => actionOf({ key, code, ...more })

const shift = { shiftKey: true }
const altGr = { getModifierState: (/** @type {string} */ name) => name === 'AltGraph' }

test('no key does two things', () => {
  const keys = Object.values(KEYS).flat()
  assert.equal(new Set(keys).size, keys.length)
})

test('capital letters do what small ones do', () => {
  assert.equal(press('U', 'KeyU', shift), 'undo')
  assert.equal(press('ArrowUp', 'ArrowUp'), 'move')
})

test("the browser's own shortcuts are left to it, but for undo", () => {
  for (const key of ['f', 's', 't', '+', '0', '[', 'я']) assert.equal(press(key, 'KeyF', { ctrlKey: true }), null)
  for (const key of ['ArrowLeft', 'd', '1', 'ƒ', 'å', ' ', 'Dead']) assert.equal(press(key, 'KeyF', { altKey: true }), null)
  assert.equal(press('z', 'KeyZ', { ctrlKey: true }), 'undo')
  assert.equal(press('z', 'KeyZ', { metaKey: true }), 'undo')
})

test('to do again is not to undo once more', () => {
  assert.equal(press('Z', 'KeyZ', { ctrlKey: true, ...shift }), null)
  assert.equal(press('Я', 'KeyZ', { metaKey: true, ...shift }), null)
})

test('other keys do nothing', () => {
  for (const key of ['Tab', 'F5', 'q', 'toString', 'Home', 'Shift', "'", '/']) assert.equal(press(key), null)
})

test('a press that names no key is none: browsers send such where they fill in a form', () => {
  assert.equal(actionOf(/** @type {Press} */ ({})), null)
})

test('keys that an input method has taken do nothing', () => {
  for (const key of ['Process', 'Unidentified', 'Compose', 'Convert']) {
    for (const code of ['KeyF', 'Digit1', 'BracketLeft', 'Minus', '']) assert.equal(press(key, code), null)
  }
})

/** Each layout's presses, as [key, code, what they do, modifiers]. */
const LAYOUTS = /** @type {Record<string, [string, string, string | null, Partial<Press>?][]>} */ ({
  US: [
    ['f', 'KeyF', 'fit'], ['[', 'BracketLeft', 'colorBack'], [']', 'BracketRight', 'colorOn'], ['+', 'Equal', 'zoomIn', shift],
    ['{', 'BracketLeft', null, shift], ['!', 'Digit1', null, shift], ['?', 'Slash', 'help', shift], ['/', 'Slash', null]
  ],
  Russian: [
    ['а', 'KeyF', 'fit'], ['А', 'KeyF', 'fit', shift], ['в', 'KeyD', 'draw'], ['х', 'BracketLeft', 'colorBack'],
    ['ъ', 'BracketRight', 'colorOn'], ['б', 'Comma', 'stepBack'], ['ю', 'Period', 'stepOn'], ['1', 'Digit1', 'color'], ['?', 'Digit7', 'help', shift], ['-', 'Minus', 'zoomOut'],
    ['я', 'KeyZ', 'undo', { ctrlKey: true }], ['я', 'KeyZ', 'undo', { metaKey: true }], ['н', 'KeyY', null, { ctrlKey: true }]
  ],
  Ukrainian: [['ї', 'BracketRight', 'colorOn'], ['і', 'KeyS', 'share']],
  Kazakh: [['ә', 'Digit2', 'color'], ['ң', 'Digit4', 'color']],
  Greek: [['φ', 'KeyF', 'fit'], ['γ', 'KeyG', 'grid'], ['ζ', 'KeyZ', 'undo', { ctrlKey: true }], ['[', 'BracketLeft', 'colorBack']],
  Persian: [
    ['ب', 'KeyF', 'fit'], ['۱', 'Digit1', 'color'], ['۰', 'Numpad0', 'color'], ['ج', 'BracketLeft', 'colorBack'],
    ['؟', 'Slash', 'help', shift], ['ظ', 'KeyZ', 'undo', { ctrlKey: true }]
  ],
  Arabic: [['لإ', 'KeyT', 'templates', shift], ['ل', 'KeyG', 'grid'], ['١', 'Digit1', 'color'], ['د', 'BracketRight', 'colorOn']],
  Hebrew: [['כ', 'KeyF', 'fit'], ['ז', 'KeyZ', 'undo', { ctrlKey: true }], [']', 'BracketLeft', 'colorOn'], ['/', 'KeyQ', null]],
  Hindi: [['ि', 'KeyF', 'fit'], ['ड', 'BracketLeft', 'colorBack'], ['१', 'Digit1', 'color']],
  Thai: [['ด', 'KeyF', 'fit'], ['ๅ', 'Digit1', 'color'], ['-', 'Digit3', 'color'], ['บ', 'BracketLeft', 'colorBack']],
  Korean: [['ㄹ', 'KeyF', 'fit'], ['ㅋ', 'KeyZ', 'undo', { ctrlKey: true }]],
  Georgian: [['ფ', 'KeyF', 'fit'], ['უ', 'KeyU', 'undo']],
  AZERTY: [
    ['&', 'Digit1', 'color'], ['-', 'Digit6', 'color'], ['_', 'Digit8', 'color'], ['à', 'Digit0', 'color'], ["'", 'Digit4', 'color'],
    ['1', 'Digit1', 'color', shift], [')', 'Minus', 'zoomOut'], ['=', 'Equal', 'zoomIn'], ['-', 'NumpadSubtract', 'zoomOut'],
    ['Dead', 'BracketLeft', 'colorBack'], ['$', 'BracketRight', 'colorOn'], ['[', 'Digit5', 'colorBack', altGr],
    ['w', 'KeyZ', null, { ctrlKey: true }], ['z', 'KeyW', 'undo', { ctrlKey: true }], ['?', 'KeyM', 'help', shift]
  ],
  QWERTZ: [
    ['z', 'KeyY', 'undo', { ctrlKey: true }], ['y', 'KeyZ', null, { ctrlKey: true }], ['ü', 'BracketLeft', null], ['+', 'BracketRight', 'zoomIn'],
    ['[', 'Digit8', 'colorBack', altGr], ['[', 'Digit8', 'colorBack', { ctrlKey: true, altKey: true }], ['-', 'Slash', 'zoomOut'],
    ['@', 'KeyQ', null, altGr], ['{', 'Digit7', null, altGr], ['?', 'Minus', 'help', shift]
  ],
  'a German Mac': [['[', 'Digit5', 'colorBack', { altKey: true }], [']', 'Digit6', 'colorOn', { altKey: true }]],
  'a US Mac': [['“', 'BracketLeft', null, { altKey: true }], ['–', 'Minus', null, { altKey: true }]],
  Swedish: [['å', 'BracketLeft', null], ['Dead', 'BracketRight', 'colorOn'], ['+', 'Minus', 'zoomIn'], ['-', 'Slash', 'zoomOut']],
  Czech: [['+', 'Digit1', 'color'], ['é', 'Digit0', 'color'], ['=', 'Minus', 'zoomIn'], ['ú', 'BracketLeft', null]],
  Dvorak: [
    ['u', 'KeyF', 'undo'], ['f', 'KeyY', 'fit'], ['[', 'Minus', 'colorBack'], [']', 'Equal', 'colorOn'], ['/', 'BracketLeft', null],
    ['=', 'BracketRight', 'zoomIn'], ['-', 'Quote', 'zoomOut'], [';', 'KeyZ', null, { ctrlKey: true }], ['z', 'Slash', 'undo', { ctrlKey: true }]
  ],
  Bépo: [['"', 'Digit1', 'color'], ['/', 'Digit9', 'color'], [',', 'KeyG', 'stepBack'], ['%', 'Equal', 'zoomIn']],
  'Programmer Dvorak': [['[', 'Digit3', 'color'], ['1', 'Digit5', 'color', shift]],
  'the numbers beside': [['5', 'Numpad5', 'color'], ['End', 'Numpad1', null], ['ArrowLeft', 'Numpad4', 'move'], ['Enter', 'NumpadEnter', 'paint']]
})

for (const [layout, presses] of Object.entries(LAYOUTS)) {
  test(`each key does what is expected on ${layout}`, () => {
    for (const [key, code, action, more] of presses) assert.equal(press(key, code, more), action, `${key} at ${code}`)
  })
}

test("a digit's place says which, whatever it types", () => {
  for (const [i, key] of [...'à&é"\'(-è_ç'].entries()) assert.equal(keyOf({ key, code: `Digit${i}` }), `${i}`)
})

test('the keys that are shown are those that the layout has', () => {
  const russian = new Map([['KeyF', 'а'], ['BracketLeft', 'х'], ['Digit1', '1'], ['Minus', '-']])
  assert.deepEqual(['f', '[', '1', '-', '?', 'Enter'].map((name) => shownKey(name, russian)), ['а', 'х', '1', '-', '?', 'Enter'])
  const azerty = new Map([['Digit1', '&'], ['Digit6', '-'], ['Minus', ')'], ['BracketRight', '$'], ['KeyA', 'q'], ['KeyF', 'f']])
  assert.deepEqual(['1', '-', ']', 'f'].map((name) => shownKey(name, azerty)), ['1', ')', '$', 'f'])
  const dvorak = new Map([['KeyY', 'f'], ['KeyF', 'u'], ['Minus', '['], ['BracketLeft', '/']])
  assert.deepEqual(['f', 'u', '['].map((name) => shownKey(name, dvorak)), ['f', 'u', '['])
  assert.equal(shownKey('[', new Map()), '[')
})
