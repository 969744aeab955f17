/**
 * The keyboard: which key does what, on any layout. The table is also what the help shows. Pure; imports nothing.
 *
 * The typed character decides, so that each letter is where its layout has it. If a key types no Latin character, its place
 * decides (KeyboardEvent.code, named after the US layout): Russian, Greek or Arabic letters, dead keys, signs that mean
 * nothing here. The row of digits always means the digits, which some layouts have only with Shift.
 */

/**
 * @typedef {'move' | 'paint' | 'color' | 'colorBack' | 'colorOn' | 'zoomIn' | 'zoomOut' | 'fit' | 'pick' | 'undo' | 'draw'
 *   | 'grid' | 'wrong' | 'past' | 'look' | 'play' | 'stepBack' | 'stepOn' | 'templates' | 'share' | 'settings' | 'people' | 'help'
 *   | 'escape'} Action
 */

/**
 * The fields of a KeyboardEvent that decide.
 *
 * @typedef {object} Press
 * @property {string} key
 * @property {string} code
 * @property {boolean} [ctrlKey]
 * @property {boolean} [metaKey]
 * @property {boolean} [altKey]
 * @property {boolean} [shiftKey]
 * @property {(name: string) => boolean} [getModifierState]
 */

/** Action -> its keys, as KeyboardEvent.key names them when they are typed. Shift moves ten pixels at once. */
export const KEYS = /** @type {Record<Action, string[]>} */ ({
  move: ['ArrowLeft', 'ArrowUp', 'ArrowRight', 'ArrowDown'],
  paint: ['Enter', ' '],
  color: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'],
  colorBack: ['['],
  colorOn: [']'],
  zoomIn: ['+', '='],
  zoomOut: ['-', '_'],
  fit: ['f'],
  pick: ['c'],
  undo: ['u'],
  draw: ['d'],
  grid: ['g'],
  wrong: ['n'],
  past: ['h'],
  look: ['i'],
  play: ['p'],
  stepBack: [','],
  stepOn: ['.'],
  templates: ['t'],
  share: ['s'],
  settings: ['o'],
  people: ['a'],
  help: ['?'],
  escape: ['Escape']
})

const ACTIONS = new Map(Object.entries(KEYS).flatMap(([action, keys]) => keys.map((key) => [key, action])))
const SIGNS = /** @type {Record<string, string>} */ ({
  BracketLeft: '[', BracketRight: ']', Minus: '-', Equal: '=', Comma: ',', Period: '.', NumpadAdd: '+', NumpadSubtract: '-'
})

/**
 * @param {Press} press
 * @returns {Action | null}  null also for the browser's own keys, except Ctrl-Z, which everybody tries
 */
export function actionOf(press) {
  const { key, ctrlKey, metaKey, altKey, shiftKey } = press
  if (!key) return null // a form that the browser fills in
  // With Shift it means redo, which the page does not have.
  if ((ctrlKey || metaKey) && !altKey && !shiftKey && letterOf(press) === 'z') return 'undo'
  return /** @type {Action | undefined} */ (ACTIONS.get(keyOf(press))) ?? null
}

/**
 * Find the key of the table.
 *
 * @param {Press} press
 * @returns {string} '' for none
 */
export function keyOf(press) {
  const { key, code, ctrlKey, metaKey, altKey, shiftKey } = press
  const known = ACTIONS.has(lower(key)) ? lower(key) : ''
  // Some layouts type a bracket with AltGr, which Windows reports as Ctrl and Alt, or with a Mac's Alt.
  if (altKey || press.getModifierState?.('AltGraph')) return !metaKey && /^[^\w\s]$/.test(known) ? known : ''
  if (ctrlKey || metaKey) return ''
  const digit = !shiftKey && isTyped(key) && /^(?:Digit|Numpad)(\d)$/.exec(code)?.[1]
  return digit || known || signOf(press) || letterOf(press)
}

/**
 * The key to show for one of the table's.
 *
 * @param {string} name
 * @param {Iterable<[string, string]>} layout  the character that each code types without Shift, from the browser
 */
export function shownKey(name, layout) {
  const typed = [...layout].filter(([code, key]) => keyOf({ key, code }) === name).map(([, key]) => key)
  return typed.includes(name) || !typed.length || /\d/.test(name) ? name : typed[0]
}

/** @param {string} key */
function lower(key) {
  return key.length === 1 ? key.toLowerCase() : key
}

/**
 * Whether the key types something: other keys have names in Latin letters, and so have keys that an input method handles.
 * @param {string} key
 */
function isTyped(key) {
  return key === 'Dead' || !/^\w\w/.test(key)
}

/** @param {Press} press */
function letterOf({ key, code }) {
  const isLatin = /^[\0-\x7f]|^\p{Script=Latin}/u.test(key)
  return isLatin ? lower(key) : (/^Key(.)$/.exec(code)?.[1].toLowerCase() ?? '')
}

/** @param {Press} press */
function signOf({ key, code, shiftKey }) {
  const isOther = isTyped(key) && (key === 'Dead' || !/^\p{Script=Latin}|['/]/u.test(key)) // Firefox finds by these two
  if (!isOther) return ''
  return (shiftKey ? { Slash: '?' }[code] : SIGNS[code]) ?? ''
}
